import { useDocumentTitle } from "@mantine/hooks";
import { useCallback, useEffect, useRef } from "react";
import { useLocation, useNavigate } from "react-router";
import { listen } from "../../actions/keys";
import { t } from "../../i18n";
import { MemoryJournal } from "../../journal/journal";
import { useUser } from "../../session";
import classes from "../../styles/workstation.module.css";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import { usePageEvents, usePick, useStationOf } from "../workstation/hooks";
import { Room } from "../workstation/room";
import { SampleServer, sampleClasses } from "./server";

/** No campaign has such an address: nothing that is remembered of it can be one's own. */
const NOWHERE = ":sample";

/** A reading room of its own with sample images: what is drawn there is kept nowhere. */
function useSample(user: number): Workstation | null {
  const make = useCallback(() => {
    const server = new SampleServer();
    const station = new Workstation(
      new Reading(NOWHERE, user, server, new MemoryJournal()),
      server,
    );
    station.setForm(sampleClasses(), []);
    station.ui.set({ ask: "tour" });
    return Promise.resolve(station);
  }, [user]);
  return useStationOf(make);
}

/** Back to where the tour was asked for; the case there is as it was left. */
function useWayBack(): () => void {
  const navigate = useNavigate();
  const { state, pathname } = useLocation();
  const from: unknown = (state as { from?: unknown } | null)?.from;
  const elsewhere = typeof from === "string" && from.startsWith("/") && from !== pathname;
  const back = elsewhere ? from : "/";
  return () => void navigate(back, { replace: true });
}

export function TourPage() {
  const user = useUser();
  const station = useSample(user.id);
  useDocumentTitle(t("app.title", { page: t("action.tour") }));
  usePageEvents(station, true);
  useEffect(() => (station ? listen(station) : undefined), [station]);
  return station ? <Sample station={station} /> : <div className={classes.room} />;
}

function Sample({ station }: { station: Workstation }) {
  const leave = useWayBack();
  const ask = usePick(station.ui, (ui) => ui.ask);
  const before = useRef(ask);
  useEffect(() => {
    const was = before.current;
    before.current = ask;
    if (ask !== null || was === null) return;
    // The tour was ended; anything else that was open gives way to it again.
    if (was === "tour") leave();
    else station.ui.set({ ask: "tour" });
  }, [ask, station, leave]);
  return (
    <Room
      station={station}
      address="/"
      name={t("action.tour")}
      guideline={t("tour.guideline")}
      sample
    />
  );
}
