import { lazy, Suspense } from "react";
import { usePreference } from "../../preferences/hooks";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { BottomBar } from "./bottom";
import { GuidelinePane } from "./guideline";
import { usePick } from "./hooks";
import { Notices } from "./notices";
import { Options } from "./options";
import { SidePanel } from "./panel";
import { ToolRail } from "./rail";
import { Sheets } from "./sheets";
import { Stage } from "./stage";
import { TopBar } from "./top";

/** Loaded when somebody wants to see a volume: the viewer is larger than all the rest. */
const VolumePanel = lazy(() => import("./volume"));

interface Props {
  readonly station: Workstation;
  /** The page of the campaign, or of whatever this is a part of. */
  readonly address: string;
  readonly name: string;
  readonly guideline: string;
  /** Whether the images are samples, of which nothing is sent. */
  readonly sample?: boolean;
}

/** The reading room: bars and tools at the edges, the image in the middle. */
export function Room({ station, address, name, guideline: text, sample = false }: Props) {
  const panel = usePick(station.ui, (ui) => ui.panel);
  const volume = usePick(
    station.ui,
    (ui) => ui.volume && (station.assignment?.series.count ?? 1) > 1,
  );
  const guideline = usePick(station.ui, (ui) => ui.guideline);
  const hand = usePreference("hand");
  // Drawn anew when keys change: they are shown all over the room.
  usePreference("keys");
  return (
    <div className={classes.room} data-panel={panel} data-hand={hand}>
      <TopBar station={station} address={address} name={name} sample={sample} />
      <ToolRail station={station} />
      <main className={classes.middle}>
        <Options station={station} />
        <div className={classes.beside}>
          <Stage station={station} address={address} />
          {volume ? (
            <Suspense fallback={<div className={classes.volume} />}>
              <VolumePanel station={station} />
            </Suspense>
          ) : null}
          {guideline ? <GuidelinePane station={station} name={name} text={text} /> : null}
        </div>
      </main>
      {panel ? <SidePanel station={station} /> : null}
      <div className={classes.bottom}>
        <Notices station={station} />
        <BottomBar station={station} sample={sample} />
      </div>
      <Sheets station={station} sample={sample} />
    </div>
  );
}
