import { Button, Group } from "@mantine/core";
import { type CSSProperties, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type ActionId, action } from "../../actions/actions";
import { keysOf } from "../../actions/bindings";
import { keyText } from "../../actions/keys";
import type { SheetProps } from "../../components/later";
import { t } from "../../i18n";
import { preferences } from "../../preferences/preferences";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";

/** As this person has it: a tour that names other keys than theirs would mislead. */
function key(id: ActionId): string {
  const first = keysOf(action(id))[0];
  return first === undefined ? "–" : keyText(first);
}

/** A few words a step, and the part of the room they are about (`data-part`). */
const STEPS = [
  {
    part: "stage",
    title: () => t("tour.image"),
    text: () => t("tour.image.text", { pan: key("holdPan"), fit: key("fit") }),
  },
  { part: "panel", title: () => t("tour.classes"), text: () => t("tour.classes.text") },
  {
    part: "rail",
    title: () => t("work.tools"),
    text: () =>
      t("tour.tools.text", {
        brush: key("brush"),
        eraser: key("eraser"),
        smaller: key("smaller"),
        larger: key("larger"),
        polygon: key("polygon"),
        freehand: key("freehand"),
        livewire: key("livewire"),
      }),
  },
  {
    part: "rail",
    title: () => t("tour.undo"),
    text: () =>
      t("tour.undo.text", { undo: key("undo"), redo: key("redo"), cancel: key("cancel") }),
  },
  { part: "options", title: () => t("tour.options"), text: () => t("tour.options.text") },
  {
    part: "stage",
    title: () => t("tour.window"),
    text: () =>
      t("tour.window.text", {
        auto: key("autoWindow"),
        stored: key("storedWindow"),
        hide: key("hideLabels"),
      }),
  },
  {
    part: "panel",
    title: () => t("tour.model"),
    text: () => t("tour.model.text", { clear: key("clearSuggestion"), outlines: key("outlines") }),
  },
  {
    part: "bottom",
    title: () => t("tour.submit"),
    text: () => t("tour.submit.text", { submit: key("submit") }),
  },
  {
    part: "top",
    title: () => t("tour.help"),
    text: () =>
      t("tour.help.text", {
        help: key("help"),
        palette: key("palette"),
        guideline: key("guideline"),
      }),
  },
] as const;

const GAP = 12;

/** Beside the part where there is room, else over its lower corner. */
function beside(part: DOMRect): CSSProperties {
  const { innerWidth: width, innerHeight: height } = window;
  const onLeft = part.left + part.right < width;
  if (part.height > height / 3 && part.width < width / 3) {
    return onLeft
      ? { left: part.right + GAP, top: part.top + GAP }
      : { right: width - part.left + GAP, top: part.top + GAP };
  }
  if (part.height > height / 3)
    return { left: part.left + GAP, bottom: height - part.bottom + GAP };
  return part.top < height / 2
    ? { right: GAP, top: part.bottom + GAP }
    : { right: GAP, bottom: height - part.top + GAP };
}

/**
 * Through the room in three minutes, on the case that is open. It is no dialog: the tools and keys
 * it speaks of work meanwhile, so that each can be tried at once.
 */
export function Tour(props: SheetProps & { station: Workstation }) {
  return props.opened ? <Steps {...props} /> : null;
}

function Steps({ station, onClose }: SheetProps & { station: Workstation }) {
  const [at, setAt] = useState(0);
  const next = useRef<HTMLButtonElement>(null);
  const step = STEPS[at]!;
  const place = usePlace(step.part);
  useEffect(() => {
    station.ui.set({ panel: true });
    next.current?.focus();
    // However it ends, it was seen.
    return () => preferences.change({ tour_seen: true });
  }, [station]);
  const last = at === STEPS.length - 1;
  const end = () => {
    onClose();
    station.focus();
  };
  return (
    <>
      {place ? <div className={classes.ring} style={place.ring} /> : null}
      <section className={classes.tour} style={place?.card} aria-label={t("action.tour")}>
        <div aria-live="polite">
          <h2>{step.title()}</h2>
          <p>{step.text()}</p>
        </div>
        <Group justify="space-between" wrap="nowrap">
          <span className={classes.dim}>{t("tour.place", { n: at + 1, of: STEPS.length })}</span>
          <Group gap="xs" wrap="nowrap">
            <Button size="xs" variant="subtle" color="gray" onClick={end}>
              {t("tour.end")}
            </Button>
            <Button
              size="xs"
              variant="default"
              disabled={at === 0}
              onClick={() => {
                setAt(at - 1);
                // The first step has no step before it: a button switched off drops the focus.
                if (at === 1) next.current?.focus();
              }}
            >
              {t("tour.back")}
            </Button>
            <Button ref={next} size="xs" onClick={() => (last ? end() : setAt(at + 1))}>
              {last ? t("tour.done") : t("tour.next")}
            </Button>
          </Group>
        </Group>
      </section>
    </>
  );
}

/** Where the part lies, and the card beside it; measured again when the window changes. */
function usePlace(part: string): { ring: CSSProperties; card: CSSProperties } | null {
  const [place, setPlace] = useState<{ ring: CSSProperties; card: CSSProperties } | null>(null);
  useLayoutEffect(() => {
    const measure = () => {
      const found = document.querySelector(`[data-part="${part}"]`)?.getBoundingClientRect();
      if (!found) return setPlace(null);
      const { left, top, width, height } = found;
      setPlace({ ring: { left, top, width, height }, card: beside(found) });
    };
    measure();
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, [part]);
  return place;
}
