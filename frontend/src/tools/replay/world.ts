/** The small world that random readers work in: its images, what a model suggests, its classes. */
import type { LabelClass } from "../../api/client";

export const ROWS = 14;
export const COLUMNS = 17;
export const SIZE = { rows: ROWS, columns: COLUMNS };
export const SLICES = 4;
/** No two of them alike, and so no two ways along edges that cost the same. */
export const SAMPLES = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const noise = Math.sin(i * 12.9898) * 43758.5453;
  return 90 * (noise - Math.floor(noise)) - 20;
});
export const SPAN = Math.max(...SAMPLES) - Math.min(...SAMPLES);
export const SUGGESTED = Uint8Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const [x, y] = [i % COLUMNS, Math.floor(i / COLUMNS)];
  return (x - 6) ** 2 + (y - 7) ** 2 < 16 ? 1 : (x - 12) ** 2 + (y - 5) ** 2 < 9 ? 3 : 0;
});
export const CLASSES = [1, 2, 3].map(
  (index): LabelClass => ({
    index,
    name: `c${index}`,
    colour: "#E69F00",
    retired: false,
  }),
);
