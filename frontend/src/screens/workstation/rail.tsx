import { Tooltip, UnstyledButton } from "@mantine/core";
import { type Action, type ActionId, action } from "../../actions/actions";
import { firstKey, spokenKey } from "../../actions/keys";
import { label, t } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

const RAIL: readonly (readonly ActionId[])[] = [
  ["brush", "eraser", "threshold"],
  ["polygon", "freehand", "livewire", "rectangle", "ellipse"],
  ["bucket", "region"],
  ["ruler", "angle"],
  ["pan", "window"],
  ["undo", "redo"],
];

/** The groups that stay where nothing is drawn, by their first. */
const LOOKS: ReadonlySet<ActionId> = new Set<ActionId>(["ruler", "pan"]);

/** One column of icons: names on hover, keys in the corner. */
export function ToolRail({ station }: { station: Workstation }) {
  const draws = usePick(station.ui, (ui) => ui.classes.length > 0);
  return (
    <div
      className={classes.rail}
      data-part="rail"
      role="toolbar"
      aria-label={t("work.tools")}
      aria-orientation="vertical"
    >
      {RAIL.filter((group) => draws || LOOKS.has(group[0]!)).map((group) => (
        <div key={group[0]} className={classes.railGroup}>
          {group.map((id) => (
            <RailButton key={id} station={station} act={action(id)} />
          ))}
        </div>
      ))}
    </div>
  );
}

function RailButton({ station, act }: { station: Workstation; act: Action }) {
  const active = usePick(station.ui, (ui) => act.active?.(ui) ?? false);
  const enabled = usePick(station.ui, (ui) => act.enabled(station, ui));
  usePick(station.reading.store, (state) => state.work);
  const hand = usePreference("hand");
  const Icon = act.icon;
  const name = label(act.label);
  const key = firstKey(act);
  return (
    <Tooltip label={key ? `${name} (${key})` : name} position={hand === "left" ? "left" : "right"}>
      <UnstyledButton
        className={classes.tool}
        aria-label={name}
        {...(act.active ? { "aria-pressed": active } : {})}
        {...spokenKey(act)}
        disabled={!enabled}
        data-active={active}
        onClick={() => act.perform(station)}
      >
        {Icon ? <Icon size={20} stroke={1.6} /> : null}
        <kbd className={classes.key} aria-hidden>
          {key.length === 1 ? key : ""}
        </kbd>
      </UnstyledButton>
    </Tooltip>
  );
}
