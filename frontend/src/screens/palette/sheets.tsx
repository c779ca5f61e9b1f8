/** The sheets of pages without a workstation: the palette, the keys, the preferences. */
import { type ReactNode, useEffect, useState } from "react";
import type { Act } from "../../actions/action";
import type { Room, SheetId } from "../../actions/rooms";
import { laterSheet } from "../../components/later";
import { KeySheet, PreferencesSheet } from "../preferences/sheets";
import { useTour } from "../tour/way";

const Palette = laterSheet(async () => (await import("./everywhere")).Everywhere);

/** What a page can do by itself. */
export interface PageAct {
  readonly act: Act;
  perform(): void;
  release?(): void;
  readonly enabled?: boolean;
}

const SHEETS: readonly string[] = ["help", "palette", "preferences"] satisfies SheetId[];
const isSheet = (id: string): id is SheetId => SHEETS.includes(id);

const nothing = (): readonly PageAct[] => [];

/**
 * Keys, palette and sheets of one page; `own` is asked at each press what the page does by itself.
 * Returns what opens a sheet, and what is to be shown.
 */
export function useSheets(room: Room, own: () => readonly PageAct[] = nothing): [Open, ReactNode] {
  const [sheet, setSheet] = useState<SheetId | null>(null);
  const close = () => setSheet(null);
  const tour = useTour();
  useEffect(() => {
    const find = (id: string) => own().find(({ act }) => act.id === id);
    let live = true;
    let stop = () => {};
    // The list of acts brings the tools with it, which the desk shows nothing of: it comes after
    // the page. Where it cannot be fetched, the menu still opens every sheet.
    import("../../actions/keys").then(
      ({ listenIn }) => {
        if (!live) return;
        // For tests: pressed before this, keys are the browser's.
        document.body.dataset.keys = room;
        stop = listenIn(
          room,
          (id) => {
            if (isSheet(id)) return () => setSheet((open) => (open === id ? null : id));
            const found = find(id);
            return found && found.enabled !== false ? () => found.perform() : null;
          },
          (id) => find(id)?.release ?? null,
        );
      },
      () => undefined,
    );
    return () => {
      live = false;
      delete document.body.dataset.keys;
      stop();
    };
  }, [room, own]);
  const shown = (
    <>
      <Palette
        opened={sheet === "palette"}
        // Told of every end: the sheet that a choice has opened meanwhile stays.
        onClose={() => setSheet((open) => (open === "palette" ? null : open))}
        own={own}
        onSheet={setSheet}
      />
      <PreferencesSheet
        opened={sheet === "preferences"}
        onClose={close}
        onKeys={() => setSheet("help")}
      />
      <KeySheet opened={sheet === "help"} onClose={close} onTour={tour} />
    </>
  );
  return [setSheet, shown];
}

export type Open = (sheet: SheetId) => void;
