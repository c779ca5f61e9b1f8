import { useEffect } from "react";
import { laterSheet } from "../../components/later";
import type { Workstation } from "../../work/workstation";
import { KeySheet, PreferencesSheet } from "../preferences/sheets";
import { useTour } from "../tour/way";
import { usePick } from "./hooks";

const Palette = laterSheet(async () => (await import("./palette")).WorkPalette);
const OtherClass = laterSheet(async () => (await import("./other")).OtherClass);
const Tour = laterSheet(async () => (await import("./tour")).Tour);

/** The tour goes over sample images on a page of its own: the case at hand stays as it is. */
function useTourElsewhere(station: Workstation, wanted: boolean): void {
  const tour = useTour();
  useEffect(() => {
    if (!wanted) return;
    station.ui.set({ ask: null });
    tour();
  }, [wanted, station, tour]);
}

/** What opens over the room when it is asked for, and is not there before. */
export function Sheets({ station, sample }: { station: Workstation; sample: boolean }) {
  const ask = usePick(station.ui, (ui) => ui.ask);
  useTourElsewhere(station, ask === "tour" && !sample);
  const close = () => station.ui.set({ ask: null });
  return (
    <>
      <Palette station={station} opened={ask === "palette"} onClose={close} />
      <OtherClass
        station={station}
        opened={ask === "changeClass" || ask === "swapClass"}
        onClose={close}
      />
      {sample ? <Tour station={station} opened={ask === "tour"} onClose={close} /> : null}
      <KeySheet
        opened={ask === "help"}
        onClose={close}
        onTour={() => station.ui.set({ ask: "tour" })}
      />
      <PreferencesSheet
        opened={ask === "preferences"}
        onClose={close}
        onKeys={() => station.ui.set({ ask: "help" })}
      />
    </>
  );
}
