import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { openJournal } from "../../journal/journal";
import { Reading } from "../../work/reading";
import { restServer } from "../../work/server";
import type { Store } from "../../work/store";
import { Workstation } from "../../work/workstation";

/** One part of a store; the component is drawn again only when that part changed. */
export function usePick<T extends object, P>(store: Store<T>, pick: (value: T) => P): P {
  return useSyncExternalStore(store.subscribe, () => pick(store.get()));
}

/** A reading of one campaign by one person, alive as long as the page. */
export function useStation(campaign: string, user: number): Workstation | null {
  const make = useCallback(async () => {
    const journal = await openJournal();
    return new Workstation(new Reading(campaign, user, restServer, journal), restServer);
  }, [campaign, user]);
  return useStationOf(make);
}

function end(station: Workstation): void {
  station.close();
  station.reading.close();
}

/** What `make` makes, begun and ended with the page; made anew when `make` is another. */
export function useStationOf(make: () => Promise<Workstation>): Workstation | null {
  const [station, setStation] = useState<Workstation | null>(null);
  useEffect(() => {
    let live = true;
    let made: Workstation | null = null;
    void make().then((station) => {
      if (!live) {
        end(station);
        return;
      }
      made = station;
      setStation(station);
      void station.reading.start();
    });
    return () => {
      live = false;
      if (made) end(made);
      setStation(null);
    };
  }, [make]);
  return station;
}

const UNSENT: readonly string[] = ["saving", "offline", "signed_out", "stale", "refused"];

/** Ask before the page goes with work that is nowhere but in it. */
export function useLeaveGuard(station: Workstation | null): void {
  useEffect(() => {
    if (!station) return;
    const { reading } = station;
    const guard = (event: BeforeUnloadEvent) => {
      const { save, unsent, refusals } = reading.store.get();
      const waits = unsent > 0 || UNSENT.includes(save.kind) || refusals.some(({ kept }) => kept);
      if (waits && !reading.durable) event.preventDefault();
    };
    addEventListener("beforeunload", guard);
    return () => removeEventListener("beforeunload", guard);
  }, [station]);
}

/** The time, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

declare global {
  interface Window {
    /** For tests and debugging; read only. See frontend/README.md. */
    __reticle?: {
      mask(): Uint8Array | null;
      imageToClient(x: number, y: number): { x: number; y: number };
      assignment(): unknown;
      seen(): boolean;
    };
  }
}

/** Wire a station to the page: the network, the window, and the read-only aid for tests. */
export function usePageEvents(station: Workstation | null, signedIn: boolean): void {
  useEffect(() => {
    if (!station) return;
    const stop = new AbortController();
    const { signal } = stop;
    const seconds = () => performance.now() / 1000;
    window.addEventListener("online", () => station.reading.poke(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => {
        const { work } = station.reading.store.get();
        if (document.hidden) work?.stopwatch.pause(seconds());
        else work?.stopwatch.activity(seconds());
        station.reading.poke();
      },
      { signal },
    );
    window.__reticle = {
      mask: () => (station.assignment ? station.mask.data.slice() : null),
      imageToClient: (x, y) => station.imageToClient(x, y),
      assignment: () => station.assignment,
      seen: () => station.seen,
    };
    return () => {
      stop.abort();
      delete window.__reticle;
    };
  }, [station]);
  useEffect(() => {
    if (signedIn) station?.reading.poke();
  }, [station, signedIn]);
}
