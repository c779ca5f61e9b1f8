import { Button, CloseButton } from "@mantine/core";
import { t } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import { preferences } from "../../preferences/preferences";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** Who is here for the first time is offered the tour, in the bar: nothing starts by itself. */
export function TourOffer({ station }: { station: Workstation }) {
  const seen = usePreference("tour_seen");
  const ready = usePick(station.reading.store, (state) => state.work !== null);
  const ask = usePick(station.ui, (ui) => ui.ask);
  const shown = !seen && ready && ask !== "tour";
  return (
    <div className={classes.offer} data-due={shown}>
      {shown ? (
        <>
          <Button size="compact-xs" variant="light" onClick={() => station.ui.set({ ask: "tour" })}>
            {t("tour.offer")}
          </Button>
          <CloseButton
            size="sm"
            aria-label={t("tour.decline")}
            onClick={() => preferences.change({ tour_seen: true })}
          />
        </>
      ) : null}
    </div>
  );
}
