import { type ReactNode, useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { t } from "../i18n";
import { Confirm } from "./confirm";

type Leave = (address: string, options?: { replace?: boolean }) => void;

/**
 * Ways out of a page that ask first while something on it is not saved: what the page goes by
 * itself, its links, and the browser's own leaving. Returns the first, and what is to be shown.
 */
export function useLeave(unsaved: boolean): [Leave, ReactNode] {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<(() => void) | null>(null);
  const leave: Leave = (address, options) => {
    const go = () => void navigate(address, options);
    if (unsaved) setAsked(() => go);
    else go();
  };
  useEffect(() => {
    if (!unsaved) return;
    const stop = new AbortController();
    const { signal } = stop;
    const click = (event: MouseEvent) => {
      const link = (event.target as Element).closest<HTMLAnchorElement>("a[href^='/']");
      const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
      if (!link || elsewhere || link.target === "_blank" || link.hasAttribute("download")) return;
      event.preventDefault();
      event.stopPropagation();
      const address = link.getAttribute("href")!;
      setAsked(() => () => void navigate(address));
    };
    // Before the link itself hears of it.
    document.addEventListener("click", click, { capture: true, signal });
    window.addEventListener("beforeunload", (event) => event.preventDefault(), { signal });
    return () => stop.abort();
  }, [unsaved, navigate]);
  const dialog = (
    <Confirm
      opened={asked !== null}
      title={t("leave.title")}
      help={t("leave.help")}
      act={t("leave.anyway")}
      onClose={() => setAsked(null)}
      onConfirm={() => asked?.()}
    />
  );
  return [leave, dialog];
}
