import {
  ActionIcon,
  Button,
  Menu,
  NativeSelect,
  NumberInput,
  Slider,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import { IconChevronDown, IconCircle, IconSquare } from "@tabler/icons-react";
import { useState } from "react";
import { type ActionId, action } from "../../actions/actions";
import { keysOf } from "../../actions/bindings";
import { firstKey, keyOfLabel, spokenKey } from "../../actions/keys";
import { IGNORE } from "../../domain/mask";
import { presetsFor } from "../../domain/presets";
import { decimal, label, number, t, word } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { LOOKING } from "../../tools/kit";
import type { ToolId } from "../../tools/tool";
import { IGNORE_COLOUR } from "../../viewer/palette";
import { MAX_RADIUS } from "../../work/pen";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { unbroken } from "./words";

const PENS: readonly ToolId[] = ["brush", "eraser", "threshold"];

/** The options of the tool at hand, beside the rail and above the image; its room is always kept. */
export function Options({ station }: { station: Workstation }) {
  const tool = usePick(station.ui, (ui) => ui.tool);
  usePick(station.reading.store, (state) => state.work);
  const suggestion = usePick(station.ui, () => station.suggestion);
  const draws = usePick(station.ui, (ui) => ui.classes.length > 0);
  const name = t(`action.${tool}`);
  return (
    <div className={classes.options} data-part="options">
      {draws ? <ClassAtHand station={station} /> : null}
      <div className={classes.toolOptions} data-tool={tool}>
        <span className={classes.toolName}>{name}</span>
        {PENS.includes(tool) ? <Pen station={station} /> : null}
        {tool === "threshold" ? <ValueRange station={station} /> : null}
        {LOOKING.has(tool) ? null : <Over station={station} />}
      </div>
      {suggestion ? <Suggested station={station} /> : null}
      {draws ? <ClassMenu station={station} /> : null}
      <ViewMenu station={station} />
      <Presets station={station} />
    </div>
  );
}

/** While the panel is folded away: the class at hand, and the way to all of them. */
function ClassAtHand({ station }: { station: Workstation }) {
  const panel = usePick(station.ui, (ui) => ui.panel);
  const label = usePick(station.ui, (ui) => ui.label);
  const list = usePick(station.ui, (ui) => ui.classes);
  if (panel) return null;
  const found = list.find(({ index }) => index === label);
  const name = found?.name ?? t("work.ignore");
  const colour = found?.colour ?? IGNORE_COLOUR;
  return (
    <UnstyledButton
      className={classes.chip}
      aria-label={t("work.classAtHand", { name })}
      {...spokenKey(action("panel"))}
      onClick={() => station.ui.set({ panel: true })}
    >
      <span
        className={found ? classes.swatch : classes.hatch}
        style={{ "--colour": colour } as React.CSSProperties}
      />
      <kbd>{keyOfLabel(label, list)}</kbd>
      <span className={classes.className}>{name}</span>
    </UnstyledButton>
  );
}

function Pen({ station }: { station: Workstation }) {
  const shape = usePick(station.ui, (ui) => ui.shape);
  const act = action("swapShape");
  const name = `${t(`work.shape.${shape}`)} (${firstKey(act)})`;
  return (
    <>
      <Tooltip label={name}>
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          aria-label={label(act.label)}
          aria-pressed={shape === "square"}
          onClick={() => act.perform(station)}
        >
          {shape === "round" ? <IconCircle size={16} /> : <IconSquare size={16} />}
        </ActionIcon>
      </Tooltip>
      <BrushSize station={station} />
    </>
  );
}

/** What the threshold brush keeps to, in the image's own values. */
export function ValueRange({ station }: { station: Workstation }) {
  const [low, high] = usePick(station.ui, (ui) => ui.range);
  const picking = usePick(station.ui, (ui) => ui.picking);
  const act = action("pickRange");
  return (
    <>
      <Bound
        name={t("work.rangeLow")}
        sign="≥"
        value={low}
        onTyped={(value) => station.pen.setRange(value, high)}
      />
      <Bound
        name={t("work.rangeHigh")}
        sign="≤"
        value={high}
        onTyped={(value) => station.pen.setRange(low, value)}
      />
      <Button
        size="compact-xs"
        variant={picking ? "filled" : "default"}
        aria-pressed={picking}
        {...spokenKey(act)}
        onClick={() => act.perform(station)}
      >
        {picking ? t("work.picking") : label(act.label)}
      </Button>
    </>
  );
}

/** One end of the range. It counts once it is typed to its end: half a number is another number. */
function Bound(props: {
  name: string;
  sign: "≥" | "≤";
  value: number;
  onTyped: (value: number) => void;
}) {
  const { name, sign, value, onTyped } = props;
  const [typed, setTyped] = useState<number | string | null>(null);
  function finish() {
    if (typeof typed === "number") onTyped(typed);
    setTyped(null);
  }
  return (
    <NumberInput
      className={classes.bound}
      size="xs"
      hideControls
      thousandSeparator=","
      leftSection={<span aria-hidden>{sign}</span>}
      aria-label={name}
      title={name}
      value={typed ?? round(value)}
      onChange={setTyped}
      onBlur={finish}
      onKeyDown={({ key }) => key === "Enter" && finish()}
    />
  );
}

/** As said of pixels elsewhere: from a thousand on, decimals say nothing. */
const round = (value: number) =>
  Math.abs(value) < 1000 ? Number(value.toPrecision(6)) : Math.round(value);

/** What drawing may replace. */
function Over({ station }: { station: Workstation }) {
  const over = usePick(station.ui, (ui) => ui.over);
  const inside = usePick(station.ui, (ui) => ui.inside);
  const list = usePick(station.ui, (ui) => ui.classes);
  const act = action("paintOver");
  return (
    <NativeSelect
      className={classes.over}
      size="xs"
      aria-label={label(act.label)}
      {...spokenKey(act)}
      value={over === "class" ? String(inside) : over}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value === "everything" || value === "background") station.pen.setOver(value);
        else station.pen.setOver("class", Number(value));
      }}
      data={[
        { value: "everything", label: t("work.over.everything") },
        { value: "background", label: t("work.over.background") },
        ...list.map(({ index, name }) => ({
          value: String(index),
          label: t("work.over.class", { name }),
        })),
        { value: String(IGNORE), label: t("work.over.class", { name: t("work.ignore") }) },
      ]}
    />
  );
}

/** One entry of a menu, with its key, from the one list of actions. */
function Entry(props: { station: Workstation; id: ActionId; closes?: boolean }) {
  const { station, id, closes = false } = props;
  const act = action(id);
  const enabled = usePick(station.ui, (ui) => act.enabled(station, ui));
  const Icon = act.icon;
  return (
    <Menu.Item
      disabled={!enabled}
      {...(closes ? { closeMenuOnClick: true } : {})}
      leftSection={Icon ? <Icon size={16} stroke={1.6} /> : null}
      rightSection={keysOf(act).length > 0 ? <kbd>{firstKey(act)}</kbd> : null}
      onClick={() => act.perform(station)}
    >
      {label(act.label)}
    </Menu.Item>
  );
}

function Opener({ text }: { text: string }) {
  return (
    <Menu.Target>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        rightSection={<IconChevronDown size={14} />}
      >
        {text}
      </Button>
    </Menu.Target>
  );
}

function Suggested({ station }: { station: Workstation }) {
  return (
    <Menu position="bottom-end">
      <Opener text={t("work.suggestion")} />
      <Menu.Dropdown>
        <Entry station={station} id="loadSuggestion" />
        <Entry station={station} id="acceptClass" />
        <Entry station={station} id="clearSuggestion" />
      </Menu.Dropdown>
    </Menu>
  );
}

/** What can be done to the whole of the class at hand. */
function ClassMenu({ station }: { station: Workstation }) {
  const slices = usePick(station.ui, (ui) => ui.slices);
  return (
    <Menu position="bottom-end" closeOnItemClick={false}>
      <Opener text={t("work.classMenu")} />
      <Menu.Dropdown mah="70vh" style={{ overflowY: "auto" }}>
        <Entry station={station} id="fillHoles" />
        <Entry station={station} id="keepLargest" />
        <Entry station={station} id="smoothEdge" />
        <Entry station={station} id="grow" />
        <Entry station={station} id="shrink" />
        <Steps station={station} />
        {slices > 1 ? (
          <>
            <Entry station={station} id="copyBefore" />
            <Entry station={station} id="fillBetween" />
          </>
        ) : null}
        <Entry station={station} id="clearClass" />
        <Entry station={station} id="changeClass" closes />
        <Entry station={station} id="swapClass" closes />
        <Entry station={station} id="lock" />
        <Entry station={station} id="hideClass" />
        <Entry station={station} id="unseen" />
      </Menu.Dropdown>
    </Menu>
  );
}

const STEPS = ["1", "2", "3", "5", "10", "20"];

/** How far a class grows or shrinks at a time. */
function Steps({ station }: { station: Workstation }) {
  const step = usePick(station.ui, (ui) => ui.step);
  return (
    <Menu.Sub>
      <Menu.Sub.Target>
        <Menu.Sub.Item>{t("work.step", { n: step })}</Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown>
        <Menu.RadioGroup
          value={String(step)}
          onChange={(value) => station.ui.set({ step: Number(value) })}
        >
          {STEPS.map((size) => (
            <Menu.RadioItem key={size} value={size}>
              {t("work.sizeValue", { size })}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  );
}

const VIEWS: readonly ActionId[] = [
  "fit",
  "actualSize",
  "zoomIn",
  "zoomOut",
  "turn",
  "turnBack",
  "mirror",
  "flip",
  "invert",
  "lookWhereUnsure",
  "volume",
];

function ViewMenu({ station }: { station: Workstation }) {
  return (
    <Menu position="bottom-end" closeOnItemClick={false}>
      <Opener text={t("work.view")} />
      <Menu.Dropdown>
        {VIEWS.map((id) => (
          <Entry key={id} station={station} id={id} />
        ))}
      </Menu.Dropdown>
    </Menu>
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
        onChange={(at) => station.pen.setRadius(fromSlider(at))}
        label={null}
        thumbLabel={t("work.size")}
        thumbProps={{ "aria-valuetext": text }}
      />
      <span className={classes.dim}>{unbroken(text)}</span>
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
      <Opener text={t("work.window")} />
      <Menu.Dropdown>
        <Menu.Item onClick={() => station.optics.resetWindow("stored")}>
          {t("preset.stored")}
        </Menu.Item>
        <Menu.Item onClick={() => station.optics.resetWindow("auto")}>{t("preset.auto")}</Menu.Item>
        {presetsFor(modality).map(({ name, window }) => (
          <Menu.Item
            key={name}
            onClick={() => action(`preset-${name}`).perform(station)}
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
