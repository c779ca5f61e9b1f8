/** How the image and what lies on it are shown. */
import {
  IconContrast,
  IconCube,
  IconEyeOff,
  IconFlipHorizontal,
  IconFlipVertical,
  IconLayoutSidebarRight,
  IconMaximize,
  IconPhotoOff,
  IconPlayerPlay,
  IconRotateClockwise,
  IconShadow,
  IconVectorSpline,
  IconVectorTriangle,
  IconZoomIn,
  IconZoomOut,
} from "@tabler/icons-react";
import { CT, type Preset, presetsFor } from "../domain/presets";
import { nextLook } from "../viewer/palette";
import type { Heat } from "../work/ui";
import { type Action, drawing, type Icon, reading, withSuggestion } from "./action";

function look(
  id: "turn" | "turnBack" | "mirror" | "flip",
  keys: readonly string[],
  icon?: Icon,
): Action {
  return {
    id,
    label: `action.${id}`,
    ...(icon ? { icon } : {}),
    keys,
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.reorient(id),
  };
}

function preset({ name, window }: Preset): Action {
  return {
    id: `preset-${name}`,
    label: `action.preset.${name}`,
    keys: [],
    group: "view",
    enabled: (station) =>
      presetsFor(station.assignment?.image.modality ?? "").some((each) => each.name === name),
    perform: (station) => station.optics.setWindow(window),
  };
}

function heat(id: Heat, key: string): Action {
  return {
    id,
    label: `action.${id}`,
    keys: [key],
    group: "view",
    enabled: (_, ui) => ui.heats.includes(id),
    active: (ui) => ui.heat === id,
    perform: (station) => station.maps.choose(station.ui.get().heat === id ? null : id),
  };
}

export const view: readonly Action[] = [
  {
    id: "hideLabels",
    label: "action.holdHide",
    keys: ["h"],
    group: "view",
    enabled: reading,
    active: (ui) => ui.labelsHidden,
    perform: (station) => station.layers.hideLabels(true),
    release: (station) => station.layers.hideLabels(false),
  },
  {
    id: "labels",
    label: "action.labels",
    icon: IconShadow,
    keys: [";"],
    group: "view",
    enabled: drawing,
    perform: (station) => {
      const next = nextLook(station.ui.get().look);
      // While something is drawn nothing is hidden: the key goes on to the look after that.
      station.layers.setLook(next === "hidden" && station.tool.busy ? nextLook(next) : next);
    },
  },
  {
    id: "hideClass",
    label: "action.hideClass",
    icon: IconEyeOff,
    keys: ["/"],
    group: "view",
    enabled: drawing,
    active: (ui) => ui.unshown.has(ui.label),
    perform: (station) => station.layers.toggleClass(station.label),
  },
  {
    id: "image",
    label: "action.image",
    icon: IconPhotoOff,
    keys: ["'"],
    group: "view",
    enabled: reading,
    active: (ui) => !ui.image,
    perform: (station) => station.layers.showImage(!station.ui.get().image),
  },
  {
    id: "outlines",
    label: "action.outlines",
    icon: IconVectorSpline,
    keys: ["s"],
    group: "view",
    enabled: withSuggestion,
    active: (ui) => ui.outlines,
    perform: (station) => station.layers.showOutlines(!station.ui.get().outlines),
  },
  {
    id: "changes",
    label: "action.changes",
    icon: IconVectorTriangle,
    keys: ["j"],
    group: "view",
    enabled: withSuggestion,
    active: (ui) => ui.changes,
    perform: (station) => station.layers.showChanges(!station.ui.get().changes),
  },
  heat("uncertainty", "shift+w"),
  heat("explanation", "shift+l"),
  {
    ...heat("occlusion", "shift+y"),
    enabled: (station) => station.maps.explained,
    perform: (station) => {
      const { heat, heats } = station.ui.get();
      const had = heats.includes("occlusion") || station.maps.absence !== null;
      station.maps.choose(heat === "occlusion" && had ? null : "occlusion");
    },
  },
  {
    id: "before",
    label: "action.before",
    keys: ["shift+o"],
    group: "view",
    enabled: (station) => station.slice?.before != null,
    active: (ui) => ui.before,
    perform: (station) => station.layers.showBefore(!station.ui.get().before),
  },
  {
    id: "lookWhereUnsure",
    label: "action.lookWhereUnsure",
    keys: ["shift+j"],
    group: "view",
    enabled: (_, ui) => ui.heats.includes("uncertainty"),
    perform: (station) => void station.maps.lookWhereUnsure(),
  },
  {
    id: "zoomIn",
    label: "action.zoomIn",
    icon: IconZoomIn,
    keys: ["+", "="],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.zoom(1.25),
  },
  {
    id: "zoomOut",
    label: "action.zoomOut",
    icon: IconZoomOut,
    keys: ["-"],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.zoom(0.8),
  },
  {
    id: "fit",
    label: "action.fit",
    icon: IconMaximize,
    keys: ["0"],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.fit(),
  },
  {
    id: "actualSize",
    label: "action.actualSize",
    keys: ["v"],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.actualSize(),
  },
  look("turn", ["shift+r"], IconRotateClockwise),
  look("turnBack", ["shift+e"]),
  look("mirror", ["shift+h"], IconFlipVertical),
  look("flip", ["shift+v"], IconFlipHorizontal),
  {
    id: "invert",
    label: "action.invert",
    icon: IconContrast,
    keys: ["i"],
    group: "view",
    enabled: reading,
    active: (ui) => ui.window.inverted ?? false,
    perform: (station) => station.optics.invert(),
  },
  {
    id: "autoWindow",
    label: "action.autoWindow",
    keys: ["a"],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.resetWindow("auto"),
  },
  {
    id: "storedWindow",
    label: "action.storedWindow",
    keys: ["shift+a"],
    group: "view",
    enabled: reading,
    perform: (station) => station.optics.resetWindow("stored"),
  },
  ...CT.map(preset),
  {
    id: "previousFrame",
    label: "action.previousFrame",
    keys: ["arrowup"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    perform: (station) => station.slides.step(-1),
  },
  {
    id: "nextFrame",
    label: "action.nextFrame",
    keys: ["arrowdown"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    perform: (station) => station.slides.step(1),
  },
  {
    id: "cine",
    label: "action.cine",
    icon: IconPlayerPlay,
    keys: ["c"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    active: (ui) => ui.cine,
    perform: (station) => station.slides.setCine(!station.ui.get().cine),
  },
  {
    id: "holdPan",
    label: "action.holdPan",
    keys: [" "],
    group: "view",
    enabled: reading,
    perform: (station) => {
      station.panning = true;
    },
    release: (station) => {
      station.panning = false;
    },
  },
  {
    id: "volume",
    label: "action.volume",
    icon: IconCube,
    keys: ["shift+p"],
    group: "view",
    enabled: (station) => (station.assignment?.series.count ?? 1) > 1,
    active: (ui) => ui.volume,
    perform: (station) => station.ui.set({ volume: !station.ui.get().volume }),
  },
  {
    id: "panel",
    label: "action.panel",
    icon: IconLayoutSidebarRight,
    keys: ["\\"],
    group: "view",
    enabled: () => true,
    active: (ui) => ui.panel,
    perform: (station) => station.ui.set({ panel: !station.ui.get().panel }),
  },
];
