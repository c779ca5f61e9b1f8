import { type ReactNode, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { t } from "../i18n";
import { Confirm } from "./confirm";

/** An act that leads away; one that takes its time promises to say when it is over. */
type Go = () => unknown;

/** How long after an act that should have led away the page is taken to be still there (ms). */
const STILL_HERE = 1000;

/** Asks before the page is left; null while nothing on it would be lost. */
let guard: ((go: Go) => void) | null = null;

/** Do what leads away from the page: at once, or once somebody has said that it may be left. */
export function leaving(go: Go): void {
  if (guard) guard(go);
  else go();
}

/** Let the page go unasked, with what is not saved on it: who is here now is not who wrote that. */
export function letGo(): void {
  const unasked = (event: Event) => event.stopImmediatePropagation();
  window.addEventListener("beforeunload", unasked, { capture: true });
}

/** The router's count of a place in the browser's history; null for one that is not its own. */
function placeOf(state: unknown): number | null {
  const { idx } = (state ?? {}) as { idx?: unknown };
  return typeof idx === "number" ? idx : null;
}

/**
 * Keep a page on which something is not saved from being left without a word: by what goes through
 * `leaving`, by links, by the browser's Back and Forward, and by its own leaving. Returns what is to
 * be shown; `help` says what would be lost.
 */
export function useLeave(unsaved: boolean, help: string = t("leave.help")): ReactNode {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Go | null>(null);
  /** The act that may lead away is under way. */
  const [passing, setPassing] = useState(false);
  const open = useRef<Go>(() => undefined);
  useEffect(() => {
    if (!unsaved || passing) return;
    const stop = new AbortController();
    const { signal } = stop;
    const ask = (go: Go) => setAsked(() => go);
    guard = ask;
    const pass = () => {
      stop.abort();
      if (guard === ask) guard = null;
    };
    open.current = pass;
    const click = (event: MouseEvent) => {
      const link = (event.target as Element).closest<HTMLAnchorElement>("a[href^='/']");
      const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
      if (!link || elsewhere || link.target === "_blank" || link.hasAttribute("download")) return;
      event.preventDefault();
      event.stopPropagation();
      const address = link.getAttribute("href")!;
      ask(() => void navigate(address));
    };
    // Before the link itself hears of it.
    document.addEventListener("click", click, { capture: true, signal });
    const here = placeOf(history.state);
    // The browser has gone already. It comes back, and the router, which asks after this, never hears.
    const pop = (event: PopStateEvent) => {
      const to = placeOf(event.state);
      if (here === null || to === null || to === here) return;
      event.stopImmediatePropagation();
      history.go(here - to);
      ask(() => history.go(to - here));
    };
    window.addEventListener("popstate", pop, { capture: true, signal });
    window.addEventListener("beforeunload", (event) => event.preventDefault(), { signal });
    return pass;
  }, [unsaved, passing, navigate]);

  /** Do what was asked about. Where it did not lead away, the page is kept from being left again. */
  async function leave(go: Go) {
    open.current();
    setPassing(true);
    try {
      await go();
    } finally {
      // The browser takes a moment to go through its history, or to another page.
      setTimeout(() => setPassing(false), STILL_HERE);
    }
  }

  return (
    <Confirm
      opened={asked !== null}
      title={t("leave.title")}
      help={help}
      act={t("leave.anyway")}
      onClose={() => setAsked(null)}
      onConfirm={() => {
        if (asked) void leave(asked);
      }}
    />
  );
}
