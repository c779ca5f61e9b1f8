import { Button, Menu, Slider } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { action } from "../../actions/actions";
import { presetsFor } from "../../domain/presets";
import { decimal, label, number, t, word } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { MAX_RADIUS, type Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** The options of the tool at hand, beside the rail and above the image; its room is always kept. */
export function Options({ station }: { station: Workstation }) {
  const tool = usePick(station.ui, (ui) => ui.tool);
  const work = usePick(station.reading.store, (state) => state.work);
  const name = t(`action.${tool}`);
  return (
    <div className={classes.options}>
      <span className={classes.toolName}>{name}</span>
      {tool === "brush" || tool === "eraser" ? <BrushSize station={station} /> : null}
      <span className={classes.spread} />
      {work?.suggestion ? (
        <>
          <Act station={station} id="clearSuggestion" />
          <Act station={station} id="loadSuggestion" />
        </>
      ) : null}
      <Presets station={station} />
    </div>
  );
}

function Act({ station, id }: { station: Workstation; id: "clearSuggestion" | "loadSuggestion" }) {
  const act = action(id);
  return (
    <Button size="compact-xs" variant="subtle" color="gray" onClick={() => act.perform(station)}>
      {label(act.label)}
    </Button>
  );
}

/** The slider runs in steps that grow with the size: fine for small brushes, quick for large. */
const toSlider = (radius: number) => Math.sqrt((radius * 2) / (MAX_RADIUS * 2)) * 100;
const fromSlider = (at: number) => Math.max(0.5, Math.round((at / 100) ** 2 * MAX_RADIUS * 2) / 2);

function BrushSize({ station }: { station: Workstation }) {
  const radius = usePick(station.ui, (ui) => ui.radius);
  const spacing = usePick(station.reading.store, (state) => state.work?.assignment.image.spacing);
  const size = number(radius * 2, 1);
  const millimetres = spacing?.[1] ? decimal(radius * 2 * spacing[1], 1) : null;
  const text = millimetres
    ? t("work.sizeMm", { size, mm: millimetres })
    : t("work.sizeValue", { size });
  return (
    <>
      <Slider
        className={classes.size}
        size="xs"
        value={toSlider(radius)}
        onChange={(at) => station.setRadius(fromSlider(at))}
        label={null}
        thumbLabel={t("work.size")}
        thumbProps={{ "aria-valuetext": text }}
      />
      <span className={classes.dim}>{text}</span>
    </>
  );
}

function Presets({ station }: { station: Workstation }) {
  const modality = usePick(
    station.reading.store,
    (state) => state.work?.assignment.image.modality ?? "",
  );
  const colour = usePick(
    station.reading.store,
    (state) => state.work?.assignment.image.channels === 3,
  );
  if (colour) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          rightSection={<IconChevronDown size={14} />}
        >
          {t("work.window")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => station.resetWindow("stored")}>{t("preset.stored")}</Menu.Item>
        <Menu.Item onClick={() => station.resetWindow("auto")}>{t("preset.auto")}</Menu.Item>
        {presetsFor(modality).map(({ name, window }) => (
          <Menu.Item
            key={name}
            onClick={() => {
              station.window = window;
            }}
            rightSection={
              <span className={classes.dim}>
                {t("work.corner.window", { width: window.width, center: window.center })}
              </span>
            }
          >
            {word("preset", name)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
