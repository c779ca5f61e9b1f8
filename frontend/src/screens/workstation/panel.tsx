import { ActionIcon, Switch, Tooltip, UnstyledButton } from "@mantine/core";
import { IconCircleCheck, IconCircleDashed, IconLock, IconLockOpen } from "@tabler/icons-react";
import { keyOfLabel } from "../../actions/keys";
import { HEAT_STOPS } from "../../domain/heat";
import { IGNORE } from "../../domain/mask";
import type { RegionStatistics } from "../../domain/measure";
import { number, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { IGNORE_COLOUR } from "../../viewer/palette";
import { HEATS } from "../../work/ui";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { ImageAndLabels } from "./labels";
import { Neighbours } from "./neighbours";
import { Questions } from "./questions";
import { Why } from "./why";
import { unbroken } from "./words";

/** Classes, layers, and why this case: folds away with one key. */
export function SidePanel({ station }: { station: Workstation }) {
  const returned = usePick(station.reading.store, (state) => state.work?.assignment.returned);
  const why = usePick(station.reading.store, (state) => state.work?.assignment.why);
  const draws = usePick(station.ui, (ui) => ui.classes.length > 0);
  return (
    <aside className={classes.panel} data-part="panel" aria-label={t("work.panel")}>
      {returned ? (
        <section className={classes.comment}>
          <h2>{t("work.comment")}</h2>
          <p>{returned.comment}</p>
        </section>
      ) : null}
      <Questions station={station} />
      {draws ? (
        <>
          <Classes station={station} />
          <Statistics station={station} />
          <Layers station={station} />
        </>
      ) : (
        <AnswerMaps station={station} />
      )}
      {why ? <Why why={why} /> : null}
      <Neighbours station={station} />
    </aside>
  );
}

function Classes({ station }: { station: Workstation }) {
  const label = usePick(station.ui, (ui) => ui.label);
  const list = usePick(station.ui, (ui) => ui.classes);
  const locked = usePick(station.ui, (ui) => ui.locked);
  const unseen = usePick(station.ui, (ui) => ui.unseen);
  const unshown = usePick(station.ui, (ui) => ui.unshown);
  const all = [...list, { index: IGNORE, name: t("work.ignore"), colour: IGNORE_COLOUR }].map(
    (each) => ({ ...each, key: keyOfLabel(each.index, list) }),
  );
  return (
    <section>
      <h2>{t("work.classes")}</h2>
      <div role="radiogroup" aria-label={t("work.classes")}>
        {all.map(({ index, name, colour, key }) => (
          <div key={index} className={classes.classLine}>
            <UnstyledButton
              className={classes.classRow}
              role="radio"
              aria-checked={label === index}
              aria-label={t("action.class", { name })}
              {...(key ? { "aria-keyshortcuts": key } : {})}
              data-active={label === index}
              onClick={() => station.setLabel(index)}
            >
              <span
                className={index === IGNORE ? classes.hatch : classes.swatch}
                data-unshown={unshown.has(index)}
                style={{ "--colour": colour } as React.CSSProperties}
              />
              <span className={classes.className} data-unseen={unseen.has(index)}>
                {name}
              </span>
              <kbd>{key}</kbd>
            </UnstyledButton>
            {index === IGNORE ? null : (
              <Tooltip label={t(unseen.has(index) ? "work.unseen" : "work.seen")}>
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color={unseen.has(index) ? "yellow" : "gray"}
                  aria-label={t("work.notLooked", { name })}
                  aria-pressed={unseen.has(index)}
                  onClick={() => station.form.toggleUnseen(index)}
                >
                  {unseen.has(index) ? (
                    <IconCircleDashed size={14} />
                  ) : (
                    <IconCircleCheck size={14} />
                  )}
                </ActionIcon>
              </Tooltip>
            )}
            <ActionIcon
              size="sm"
              variant="subtle"
              color={locked.has(index) ? "yellow" : "gray"}
              aria-label={t("work.lock", { name })}
              aria-pressed={locked.has(index)}
              onClick={() => station.pen.toggleLock(index)}
            >
              {locked.has(index) ? <IconLock size={14} /> : <IconLockOpen size={14} />}
            </ActionIcon>
          </div>
        ))}
      </div>
    </section>
  );
}

/** Area and values of the class at hand; their lines are kept while there are none. */
function Statistics({ station }: { station: Workstation }) {
  const stats = usePick(station.ui, (ui) => ui.stats);
  const image = usePick(station.reading.store, (state) => state.work?.assignment.image);
  if (!image) return null;
  const lines = stats ? measures(stats, image.modality) : [];
  return (
    <div className={classes.stats}>
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </div>
  );
}

/** What is said of a class, line by line. */
export function measures(stats: RegionStatistics, modality: string): string[] {
  const { pixels, area, mean, deviation } = stats;
  const size =
    area === null
      ? t("work.areaPixels", { pixels: number(pixels) })
      : t("work.area", { area: number(area, area < 10 ? 2 : 0), pixels: number(pixels) });
  const lines = [size];
  if (mean !== null && deviation !== null) {
    const key = modality === "CT" ? "work.meanHu" : "work.mean";
    lines.push(t(key, { mean: ofPixels(mean), deviation: ofPixels(deviation) }));
  }
  return lines.map(unbroken);
}

/** A mean of pixel values: from a thousand on, decimals say nothing. */
const ofPixels = (value: number) => number(value, Math.abs(value) < 1000 ? 1 : 0);

function Layers({ station }: { station: Workstation }) {
  const outlines = usePick(station.ui, (ui) => ui.outlines);
  const changes = usePick(station.ui, (ui) => ui.changes);
  const smooth = usePick(station.ui, (ui) => ui.smooth);
  usePick(station.reading.store, (state) => state.work);
  const suggestion = usePick(station.ui, () => station.suggestion);
  const before = usePick(station.ui, () => station.slice?.before ?? null);
  const earlier = usePick(station.ui, (ui) => ui.before);
  return (
    <section>
      <Shown station={station} />
      <Switch
        size="xs"
        label={t("work.outlines")}
        checked={outlines && suggestion !== null}
        disabled={!suggestion}
        onChange={(event) => station.layers.showOutlines(event.currentTarget.checked)}
      />
      <Switch
        size="xs"
        label={t("work.changes")}
        checked={changes && suggestion !== null}
        disabled={!suggestion}
        onChange={(event) => station.layers.showChanges(event.currentTarget.checked)}
      />
      {before ? (
        <Switch
          size="xs"
          label={t("work.before")}
          checked={earlier}
          onChange={(event) => station.layers.showBefore(event.currentTarget.checked)}
        />
      ) : null}
      <Heats station={station} />
      <Switch
        size="xs"
        label={t("work.smooth")}
        checked={smooth}
        onChange={(event) => station.layers.setSmooth(event.currentTarget.checked)}
      />
    </section>
  );
}

function Shown({ station }: { station: Workstation }) {
  const { layers, ui } = station;
  const list = usePick(ui, (each) => each.classes);
  return (
    <ImageAndLabels
      image={usePick(ui, (each) => each.image)}
      look={usePick(ui, (each) => each.look)}
      mapped={usePick(ui, (each) => each.mapped)}
      opacity={usePick(ui, (each) => each.opacity)}
      strengths={usePick(ui, (each) => each.strengths)}
      unshown={usePick(ui, (each) => each.unshown)}
      list={[...list, { index: IGNORE, name: t("work.ignore"), colour: IGNORE_COLOUR }]}
      onImage={(image) => layers.showImage(image)}
      onLook={(look) => layers.setLook(look)}
      onOpacity={(opacity) => layers.setOpacity(opacity)}
      onClass={(label) => layers.toggleClass(label)}
      onStrength={(label, strength) => layers.setStrength(label, strength)}
    />
  );
}

/** Where nothing is drawn: why the model would answer so. */
function AnswerMaps({ station }: { station: Workstation }) {
  usePick(station.reading.store, (state) => state.work);
  const explained = usePick(station.ui, () => station.maps.explained);
  return explained ? (
    <section>
      <h2>{t("work.layers")}</h2>
      <Heats station={station} />
    </section>
  ) : null;
}

/** The model's maps: one at a time, with the bar that says what its colours mean. */
function Heats({ station }: { station: Workstation }) {
  const heat = usePick(station.ui, (ui) => ui.heat);
  const heats = usePick(station.ui, (ui) => ui.heats);
  const label = usePick(station.ui, (ui) => ui.label);
  const list = usePick(station.ui, (ui) => ui.classes);
  const asked = usePick(station.ui, (ui) => ui.asked);
  const explained = usePick(station.ui, () => station.maps.explained);
  const absence = usePick(station.ui, () => station.maps.absence);
  const answer = usePick(station.ui, (ui) => ui.findings[ui.questions[ui.question]?.name ?? ""]);
  const draws = list.length > 0;
  const of = list.find((each) => each.index === label)?.name ?? t("work.ignore");
  const said = [answer ?? []].flat().join(", ") || t("work.noAnswer");
  const name = draws ? of : said;
  const kinds = HEATS.filter((kind) => draws || kind !== "uncertainty"); // an answer has no place
  return (
    <>
      {kinds.map((kind) => (
        <Switch
          key={kind}
          size="xs"
          label={t(`work.${kind}`, { name })}
          checked={heat === kind && (heats.includes(kind) || asked === "asked")}
          disabled={!heats.includes(kind) && !(kind === "occlusion" && explained && !absence)}
          onChange={(event) => station.maps.choose(event.currentTarget.checked ? kind : null)}
        />
      ))}
      {heat === "occlusion" && asked !== "no" ? (
        <output className={classes.dim}>{t(`work.maps.${asked}`)}</output>
      ) : null}
      {/* In the place of the scale. */}
      {absence ? (
        <p className={classes.dim} role="status">
          {t(`work.maps.${absence}`, { name })}
        </p>
      ) : null}
      {heat && heats.includes(heat) ? (
        <div className={classes.heatBar} aria-hidden>
          <span>{t(`work.heat.${heat}.low`)}</span>
          <span
            className={classes.heatColours}
            style={{ background: `linear-gradient(to right, ${HEAT_STOPS.join(", ")})` }}
          />
          <span>{t(`work.heat.${heat}.high`)}</span>
        </div>
      ) : null}
    </>
  );
}
