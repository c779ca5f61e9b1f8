import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCurrentLocation } from "@tabler/icons-react";
import { Link } from "react-router";
import { type ActionId, action } from "../../actions/actions";
import { firstKey } from "../../actions/keys";
import { ago, clock, label, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { ownSlice } from "../../work/case";
import type { SaveState } from "../../work/saver";
import type { Workstation } from "../../work/workstation";
import { useNow, usePick } from "./hooks";
import { TourOffer } from "./offer";
import { RestNotice } from "./rest";

/** Where the reader is, and the state of the work, in words. */
export function TopBar(props: {
  station: Workstation;
  address: string;
  name: string;
  sample: boolean;
}) {
  const { station, address, name, sample } = props;
  const { store } = station.reading;
  const work = usePick(store, (state) => state.work);
  const held = usePick(store, (state) => state.heldUntil);
  const suggestion = work?.assignment.suggestion;
  return (
    <header className={classes.top} data-part="top">
      <Link
        to="/"
        className={classes.brand}
        aria-label={t("home.act", { act: t("app.name"), name: t("app.home") })}
      >
        <IconCurrentLocation size={16} stroke={1.75} aria-hidden />
        <span className={classes.wide}>{t("app.name")}</span>
      </Link>
      <Link to={address} className={classes.where} title={name}>
        <span>{name}</span>
      </Link>
      {work ? (
        <>
          <h1 className={classes.case}>{t("work.case", { case: work.assignment.task.case })}</h1>
          <div className={classes.state}>
            <Saved station={station} />
            <span className={`${classes.dim} ${classes.held}`}>
              {held ? t("work.held", { time: clock(held) }) : ""}
            </span>
          </div>
        </>
      ) : null}
      <span className={classes.spread} />
      {sample ? (
        <strong className={classes.offer} data-due>
          {t("tour.sample")}
        </strong>
      ) : (
        <TourOffer station={station} />
      )}
      <RestNotice station={station} />
      {work ? (
        <span className={`${classes.dim} ${classes.source}`}>
          {work.amends
            ? t("work.amending")
            : suggestion
              ? t("work.model", { number: suggestion.model_number })
              : work.assignment.returned
                ? t("work.returned")
                : t("work.noModel")}
        </span>
      ) : null}
      <BarAction station={station} id="guideline" />
      <BarAction station={station} id="panel" />
      <BarAction station={station} id="palette" />
      <BarAction station={station} id="help" />
      <BarAction station={station} id="preferences" />
    </header>
  );
}

function Saved({ station }: { station: Workstation }) {
  const save = usePick(station.reading.store, (state) => state.save);
  const origin = usePick(station.reading.store, (state) =>
    state.work ? ownSlice(state.work).origin : null,
  );
  const now = useNow();
  const quiet = ["clean", "saved", "saving"].includes(save.kind);
  const text =
    save.kind === "clean" && origin === "journal" ? t("work.restored") : saveText(save, now);
  return (
    <output className={quiet ? classes.dim : classes.attention} data-save={save.kind}>
      {text}
    </output>
  );
}

export function saveText(save: SaveState, now: number): string {
  switch (save.kind) {
    case "clean":
      return t("work.clean");
    case "saving":
      return t("work.saving");
    case "saved": {
      const seconds = (now - save.at) / 1000;
      return seconds < 1 ? t("work.savedNow") : t("work.saved", { ago: ago(seconds) });
    }
    case "signed_out":
      return t("work.signedOut");
    case "offline":
      return t("work.offline");
    case "stale":
    case "refused":
      return t("work.unsaved");
  }
}

function BarAction({ station, id }: { station: Workstation; id: ActionId }) {
  const act = action(id);
  const active = usePick(station.ui, (ui) => act.active?.(ui) ?? false);
  const Icon = act.icon;
  const key = firstKey(act);
  return (
    <Tooltip label={key ? `${label(act.label)} (${key})` : label(act.label)}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label(act.label)}
        aria-pressed={active}
        onClick={() => act.perform(station)}
      >
        {Icon ? <Icon size={18} stroke={1.6} /> : null}
      </ActionIcon>
    </Tooltip>
  );
}
