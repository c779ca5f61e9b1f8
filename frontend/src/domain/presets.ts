/** Window presets of radiology, by modality, in modality values (CT: Hounsfield units). */
import type { Window } from "./window";

export type PresetName = "brain" | "subdural" | "softTissue" | "abdomen" | "lung" | "bone";

export interface Preset {
  readonly name: PresetName;
  readonly window: Window;
}

/** Only CT values are calibrated; everything else is served by "as stored" and "automatic". */
export const CT: readonly Preset[] = [
  { name: "brain", window: { center: 40, width: 80 } },
  { name: "subdural", window: { center: 75, width: 215 } },
  { name: "softTissue", window: { center: 40, width: 400 } },
  { name: "abdomen", window: { center: 60, width: 350 } },
  { name: "lung", window: { center: -600, width: 1500 } },
  { name: "bone", window: { center: 400, width: 1800 } },
];

export function presetsFor(modality: string): readonly Preset[] {
  return modality === "CT" ? CT : [];
}
