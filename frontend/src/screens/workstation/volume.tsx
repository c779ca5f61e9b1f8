import { Button } from "@mantine/core";
import { Niivue, SHOW_RENDER } from "@niivue/niivue";
import { useEffect, useRef, useState } from "react";
import { IGNORE } from "../../domain/mask";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { IGNORE_COLOUR, inSight } from "../../viewer/palette";
import { outOfSight } from "../../work/ui";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

type Phase = "loading" | "ready" | "none" | "failed" | "noWebgl";
const REDRAW_AFTER = 250;

/** Three planes and a rendering of the series with the labels as they stand; to look at only. */
export default function VolumePanel({ station }: { station: Workstation }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const series = usePick(station.reading.store, (state) => state.work?.assignment.series.id);
  const frames = usePick(station.ui, (ui) => ui.frames);
  const [viewer, setViewer] = useState<Niivue | null>(null);
  const [phase, setPhase] = useState<Phase>("loading");
  const [tries, setTries] = useState(0);
  // The notice at the foot offers to try again.
  const lacks = usePick(station.ui, (ui) => ui.lacking.includes("series"));
  const told = phase === "loading" && lacks ? "failed" : phase;

  // biome-ignore lint/correctness/useExhaustiveDependencies: each try is a new beginning
  useEffect(() => {
    const element = canvas.current;
    setPhase("loading");
    // Until the series is known there is one frame.
    if (!element || !series || frames < 2) return;
    let live = true;
    const made = open(element, station);
    made
      .then((opened) => {
        if (!live) return;
        setViewer(opened);
        setPhase(opened ? "ready" : "none");
      })
      .catch(() => live && setPhase(canDraw() ? "failed" : "noWebgl"));
    return () => {
      live = false;
      setViewer(null);
      void made.then((opened) => opened?.cleanup()).catch(() => undefined);
    };
  }, [station, series, frames, tries]);

  useFollowing(station, viewer);
  return (
    <aside className={classes.volume} aria-label={t("work.volume")} data-phase={phase}>
      {/* A context can be had once: a new beginning needs a new canvas. */}
      <canvas
        key={`${series}-${frames}-${tries}`}
        ref={canvas}
        role="img"
        aria-label={t("work.volume")}
      />
      {told === "ready" ? null : (
        <p className={classes.volumeNote} role="status">
          {t(`work.volume.${told}`)}{" "}
          {phase === "failed" ? (
            <Button size="compact-xs" variant="default" onClick={() => setTries(tries + 1)}>
              {t("app.retry")}
            </Button>
          ) : null}
        </p>
      )}
    </aside>
  );
}

function canDraw(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}

async function open(element: HTMLCanvasElement, station: Workstation): Promise<Niivue | null> {
  if (!canDraw()) throw new Error("no WebGL");
  const image = await station.slides.imageFile();
  const labels = station.slides.labelFile();
  if (!image || !labels) return null;
  const viewer = new Niivue({
    backColor: [0, 0, 0, 1],
    show3Dcrosshair: true,
    isRadiologicalConvention: true,
    // At the middle of its sides a plane's letters would lie under the crosshair.
    isCornerOrientationText: true,
    fontColor: [0.84, 0.87, 0.9, 1],
    fontMinPx: 17,
    multiplanarPadPixels: 6,
    multiplanarShowRender: SHOW_RENDER.ALWAYS,
    dragAndDropEnabled: false,
    crosshairColor: [0.31, 0.7, 0.85, 0.8],
    logLevel: "error",
    loadingText: "",
  });
  await viewer.attachToCanvas(element);
  await viewer.loadFromArrayBuffer(image, "series.nii");
  await viewer.loadFromArrayBuffer(labels, "labels.nii");
  viewer.setSliceType(viewer.sliceTypeMultiplanar);
  return viewer;
}

/** Window, labels and crosshair follow the surface; a click on a plane goes to its slice. */
function useFollowing(station: Workstation, viewer: Niivue | null): void {
  const window = usePick(station.ui, (ui) => ui.window);
  const revision = usePick(station.ui, (ui) => ui.revision);
  const work = usePick(station.reading.store, (state) => state.work);
  const list = usePick(station.ui, (ui) => ui.classes);
  const opacity = usePick(station.ui, (ui) => (outOfSight(ui) === "labels" ? 0 : ui.opacity));
  const strengths = usePick(station.ui, (ui) => ui.strengths);
  const unshown = usePick(station.ui, (ui) => ui.unshown);
  const frame = usePick(station.ui, (ui) => ui.frame);

  useEffect(() => {
    const [image] = viewer?.volumes ?? [];
    if (!viewer || !image) return;
    image.cal_min = window.center - window.width / 2;
    image.cal_max = window.center + window.width / 2;
    viewer.updateGLVolume();
  }, [viewer, window]);

  useEffect(() => {
    const labels = viewer?.volumes[1];
    if (!viewer || !labels) return;
    const colours = [...list, { index: IGNORE, colour: IGNORE_COLOUR, name: t("work.ignore") }];
    const shown = inSight(strengths, unshown);
    const part = (at: number) =>
      colours.map(({ colour }) => Number.parseInt(colour.slice(at, at + 2), 16));
    labels.setColormapLabel({
      R: [0, ...part(1)],
      G: [0, ...part(3)],
      B: [0, ...part(5)],
      A: [0, ...colours.map(({ index }) => Math.round(255 * (shown.get(index) ?? 1)))],
      I: [0, ...colours.map(({ index }) => index)],
      labels: ["", ...colours.map(({ name }) => name)],
    });
    viewer.setOpacity(1, opacity);
  }, [viewer, list, opacity, strengths, unshown]);

  // Another case of the same series has other labels, whether or not anything is drawn on it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the labels are those of this work, as of this revision
  useEffect(() => {
    const labels = viewer?.volumes[1];
    if (!viewer || !labels) return;
    const timer = setTimeout(() => {
      const file = station.slides.labelFile();
      if (!file || !labels.img) return;
      labels.img.set(new Uint8Array(file).subarray(file.byteLength - labels.img.length));
      viewer.updateGLVolume();
    }, REDRAW_AFTER);
    return () => clearTimeout(timer);
  }, [station, viewer, work, revision]);

  useEffect(() => {
    if (!viewer?.volumes[0]) return;
    const [, columns = 1, rows = 1] = viewer.volumes[0].hdr?.dims ?? [];
    viewer.onLocationChange = () => undefined;
    viewer.scene.crosshairPos = viewer.vox2frac([columns / 2, rows / 2, frame]);
    viewer.drawScene();
    viewer.onLocationChange = (location) => {
      const vox = (location as { vox?: ArrayLike<number> }).vox;
      const at = Math.round(vox?.[2] ?? frame);
      if (at !== station.ui.get().frame) station.slides.goTo(at);
    };
  }, [station, viewer, frame]);
}
