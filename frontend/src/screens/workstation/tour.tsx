import { Button, Group } from "@mantine/core";
import {
  type CSSProperties,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { type ActionId, action } from "../../actions/actions";
import { keysOf } from "../../actions/bindings";
import { keyText } from "../../actions/keys";
import type { SheetProps } from "../../components/later";
import { t } from "../../i18n";
import { preferences } from "../../preferences/preferences";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { type Box, beside } from "./beside";
import { usePick } from "./hooks";

/** As this person has it: a tour that names other keys than theirs would mislead. */
function key(id: ActionId): string {
  const first = keysOf(action(id))[0];
  return first === undefined ? "–" : keyText(first);
}

interface Step {
  /** The part of the room that it is about (`data-part`). */
  readonly part: string;
  readonly title: () => string;
  /** A few words, as keys and mouse do it. */
  readonly text: () => string;
  /** As fingers do it; missing where that is the same. */
  readonly touch?: () => string;
}

const STEPS: readonly Step[] = [
  {
    part: "stage",
    title: () => t("tour.image"),
    text: () => t("tour.image.text", { pan: key("holdPan"), fit: key("fit") }),
    touch: () => t("tour.image.touch"),
  },
  {
    part: "panel",
    title: () => t("tour.classes"),
    text: () => t("tour.classes.text"),
    touch: () => t("tour.classes.touch"),
  },
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
    touch: () => t("tour.tools.touch"),
  },
  {
    part: "rail",
    title: () => t("tour.undo"),
    text: () =>
      t("tour.undo.text", { undo: key("undo"), redo: key("redo"), cancel: key("cancel") }),
    touch: () => t("tour.undo.touch"),
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
    touch: () => t("tour.window.touch"),
  },
  {
    part: "panel",
    title: () => t("tour.model"),
    text: () => t("tour.model.text", { clear: key("clearSuggestion"), outlines: key("outlines") }),
    touch: () => t("tour.model.touch"),
  },
  {
    part: "bottom",
    title: () => t("tour.submit"),
    text: () => t("tour.submit.text", { submit: key("submit") }),
    touch: () => t("tour.submit.touch"),
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
    touch: () => t("tour.help.touch"),
  },
];

/** Whether the room is worked in with fingers: it has then no keys and no wheel to speak of. */
const byTouch = () => window.matchMedia("(pointer: coarse)").matches;

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
  const card = useRef<HTMLElement>(null);
  const place = usePlace(station, step, card);
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
      <section
        ref={card}
        className={classes.tour}
        style={place?.card}
        aria-label={t("action.tour")}
      >
        <div aria-live="polite">
          <h2>{step.title()}</h2>
          <p>{byTouch() && step.touch ? step.touch() : step.text()}</p>
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

/** Where the part lies that a step is about. Of the stage, the image: black is there to be hidden. */
function boxOf(part: HTMLElement, station: Workstation): Box {
  const whole = part.getBoundingClientRect();
  const image = station.slice?.image;
  if (part.dataset.part !== "stage" || !image) return whole;
  const [a, b] = [station.imageToClient(0, 0), station.imageToClient(image.columns, image.rows)];
  return {
    left: Math.max(whole.left, Math.min(a.x, b.x)),
    top: Math.max(whole.top, Math.min(a.y, b.y)),
    right: Math.min(whole.right, Math.max(a.x, b.x)),
    bottom: Math.min(whole.bottom, Math.max(a.y, b.y)),
  };
}

/**
 * Where the part lies, and the card beside it. Measured again when the window changes, not when the
 * image is zoomed: a card does not move under a hand.
 */
function usePlace(
  station: Workstation,
  step: Step,
  card: RefObject<HTMLElement | null>,
): { ring: CSSProperties; card: CSSProperties } | null {
  const [place, setPlace] = useState<{ ring: CSSProperties; card: CSSProperties } | null>(null);
  const there = usePick(station.reading.store, ({ work }) => work !== null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the image has no place before it is there
  useLayoutEffect(() => {
    const measure = () => {
      const found = document.querySelector<HTMLElement>(`[data-part="${step.part}"]`);
      if (!found || !card.current) return setPlace(null);
      const { left, top, width, height } = found.getBoundingClientRect();
      // As wide as the style sheet has it, whatever the step before made of it.
      const { style } = card.current;
      const before = style.width;
      style.width = "";
      const size = card.current.getBoundingClientRect();
      style.width = before;
      const bars = document.querySelector('[data-part="options"]')?.getBoundingClientRect().bottom;
      const screen = { width: window.innerWidth, height: window.innerHeight };
      setPlace({
        ring: { left, top, width, height },
        card: beside(boxOf(found, station), size, screen, bars),
      });
    };
    measure();
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, [step, station, card, there]);
  return place;
}
