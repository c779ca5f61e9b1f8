import { Button, Group, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { type ActionId, action } from "../../actions/actions";
import { firstKey } from "../../actions/keys";
import { Arriving } from "../../components/arriving";
import { Letters, ScaleBar } from "../../components/corners";
import { Empty } from "../../components/page";
import { decimal, number, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Phase } from "../../work/reading";
import { outOfSight } from "../../work/ui";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** The reason with which a case that could not be loaded goes back. */
const UNREADABLE = "unreadable";

/** The image, pure black around it, with radiology's corner text. */
export function Stage({ station, address }: { station: Workstation; address: string }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => (host.current ? station.mount(host.current) : undefined), [station]);
  const { store } = station.reading;
  const phase = usePick(store, (state) => state.phase);
  const work = usePick(store, (state) => state.work);
  const tool = usePick(station.ui, (ui) => ui.tool);
  const drawable = usePick(station.ui, (ui) => ui.mine && ui.arrived && outOfSight(ui) === null);
  const name = work
    ? t("work.surface", { case: work.assignment.task.case, tool: t(`action.${tool}`) })
    : t("work.surfaceEmpty");
  return (
    <div className={classes.stage} data-part="stage">
      <div
        ref={host}
        className={classes.surface}
        data-testid="surface"
        data-tool={tool}
        data-drawable={drawable}
        data-case={work?.assignment.task.case ?? ""}
        role="application"
        aria-label={name}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the drawing takes the keys, so it takes the focus
        tabIndex={0}
      />
      {work ? (
        <Corners station={station} />
      ) : (
        <Without station={station} phase={phase} address={address} />
      )}
    </div>
  );
}

function Corners({ station }: { station: Workstation }) {
  return (
    <>
      <Identity station={station} />
      <Values station={station} />
      <Edges station={station} />
      <Context station={station} />
    </>
  );
}

function Identity({ station }: { station: Workstation }) {
  const image = usePick(station.reading.store, (state) => state.work?.assignment.image);
  const frame = usePick(station.ui, (ui) => ui.frame);
  const frames = usePick(station.ui, (ui) => ui.frames);
  if (!image) return null;
  return (
    <div className={classes.topLeft}>
      <div>{image.patient_key}</div>
      <div>{image.modality}</div>
      {frames > 1 ? <div>{t("work.slice", { n: frame + 1, of: frames })}</div> : null}
    </div>
  );
}

function Values({ station }: { station: Workstation }) {
  const window = usePick(station.ui, (ui) => ui.window);
  const scale = usePick(station.ui, (ui) => ui.scale);
  const value = usePick(station.ui, (ui) => ui.value);
  const image = usePick(station.reading.store, (state) => state.work?.assignment.image);
  const digits = window.width < 20 ? 2 : 0;
  const shown = value?.map((each) => number(each, digits)).join(" ");
  return (
    <div className={classes.bottomLeft}>
      {image?.channels === 1 ? (
        <span>
          {t("work.corner.window", {
            width: number(window.width, digits),
            center: number(window.center, digits),
          })}
        </span>
      ) : null}
      <span>{t("work.corner.zoom", { zoom: decimal(scale, 1) })}</span>
      {shown ? (
        <span>
          {image?.modality === "CT"
            ? t("work.corner.hu", { value: shown })
            : t("work.corner.value", { value: shown })}
        </span>
      ) : null}
    </div>
  );
}

function Edges({ station }: { station: Workstation }) {
  const view = usePick(station.ui, (ui) => ui.view);
  const image = usePick(station.reading.store, (state) => state.work?.assignment.image);
  if (!image) return null;
  return (
    <>
      <ScaleBar spacing={image.spacing} view={view} />
      <Letters axes={image.axes} view={view} />
    </>
  );
}

/** Says clearly that what is shown is not what is being labelled. */
export function Context({ station }: { station: Workstation }) {
  const frame = usePick(station.ui, (ui) => ui.frame);
  const own = usePick(station.ui, (ui) => ui.ownFrame);
  const mine = usePick(station.ui, (ui) => ui.mine);
  const pinning = usePick(station.ui, (ui) => ui.pinning);
  const unclosed = usePick(station.ui, (ui) => ui.unclosed);
  if (unclosed) {
    return (
      <div className={classes.context} role="status">
        {t("work.unclosed")}
        <Way id="submit" name={t("work.closeOutline")} onClick={() => station.submit()} />
        <Way id="cancel" name={t("work.dropOutline")} onClick={() => station.cancel()} />
      </div>
    );
  }
  if (pinning && mine) {
    return (
      <div className={classes.context} role="status">
        {t("work.pinning")}
      </div>
    );
  }
  if (!mine) {
    return (
      <div className={classes.context} role="status">
        {t("work.context", { n: frame + 1, own: own + 1 })}
        <Way id="cancel" name={t("work.back")} onClick={() => station.slides.goTo(own)} />
      </div>
    );
  }
  return <Hidden station={station} />;
}

/** What of the case is out of sight, the drawing before the image, and the way to see it again. */
function Hidden({ station }: { station: Workstation }) {
  const held = usePick(station.ui, (ui) => ui.labelsHidden);
  const hidden = usePick(station.ui, outOfSight);
  const image = usePick(station.ui, (ui) => ui.image);
  // The class at hand before others: without it nothing is drawn.
  const unshown = usePick(station.ui, (ui) =>
    ui.unshown.has(ui.label) ? ui.label : ([...ui.unshown][0] ?? null),
  );
  const list = usePick(station.ui, (ui) => ui.classes);
  const name = list.find((each) => each.index === unshown)?.name ?? t("work.ignore");
  const by = (id: ActionId, text: string) => ({
    id,
    text,
    show: () => action(id).perform(station),
  });
  const said =
    hidden === "labels"
      ? by("labels", t("work.hidden"))
      : hidden === "class"
        ? by("hideClass", t("work.hiddenClass", { name }))
        : unshown !== null
          ? {
              id: null, // the key is that of the class at hand
              text: t("work.hiddenOther", { name }),
              show: () => station.layers.toggleClass(unshown),
            }
          : image
            ? null
            : by("image", t("work.hiddenImage"));
  if (!said) return null;
  return (
    <div className={classes.context} role="status">
      {said.text}
      {held ? null : <Way id={said.id} name={t("work.showAgain")} onClick={said.show} />}
    </div>
  );
}

/** A way out of what is said, with the key of an action that goes it as well, where there is one. */
function Way(props: { id: ActionId | null; name: string; onClick: () => void }) {
  const { id, name, onClick } = props;
  return (
    <Button
      size="compact-xs"
      variant="default"
      flex="none"
      rightSection={id ? <kbd>{firstKey(action(id))}</kbd> : null}
      onClick={onClick}
    >
      {name}
    </Button>
  );
}

function Without(props: { station: Workstation; phase: Phase; address: string }) {
  const { station, phase, address } = props;
  const back = (
    <Button component={Link} to={address} variant="default">
      {t("work.toCampaign")}
    </Button>
  );
  if (phase === "loading" || phase === "ready") {
    return <Arriving text={t("work.loading")} />;
  }
  return (
    <div className={classes.without} role="status">
      {phase === "waiting" ? <Empty title={t("work.waiting")} /> : null}
      {phase === "empty" ? (
        <Empty title={t("work.empty")} action={back}>
          {t("work.emptyHelp")}
        </Empty>
      ) : null}
      {phase === "closed" ? (
        <Empty title={t("work.closed")} action={back}>
          {t("work.closedHelp")}
        </Empty>
      ) : null}
      {phase === "forbidden" ? (
        <Empty title={t("work.forbidden")} action={back}>
          {t("work.forbiddenHelp")}
        </Empty>
      ) : null}
      {phase === "failed" ? <Failed station={station} /> : null}
    </div>
  );
}

/** The next case cannot be shown: it can be tried again, and given back where it is held. */
export function Failed({ station }: { station: Workstation }) {
  const { store } = station.reading;
  const message = usePick(store, (state) => state.message);
  const broken = usePick(store, (state) => state.broken);
  const [unskipped, setUnskipped] = useState(false);
  const skip = () => void station.reading.skip(UNREADABLE).catch(() => setUnskipped(true));
  return (
    <Empty
      title={t("work.failed")}
      action={
        <Group justify="center">
          <Button onClick={() => station.reading.poke()}>{t("app.retry")}</Button>
          {broken ? (
            <Button variant="default" onClick={skip}>
              {t("work.skipConfirm")}
            </Button>
          ) : null}
        </Group>
      }
    >
      {broken ? t("work.broken", { case: broken.task.case }) : null} {message}
      {unskipped ? (
        <Text span display="block" c="var(--reticle-danger)" role="alert">
          {t("work.skipFailed")}
        </Text>
      ) : null}
    </Empty>
  );
}
