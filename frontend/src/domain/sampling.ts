/** One number a pixel, whatever the channels: what thresholds, region growing and live-wire look at. */
import type { Point } from "./ops";
import type { Pixels, Samples } from "./window";

/** The stored samples of a grey image; the luminance (ITU-R BT.601) of a colour one. */
export function greySamples(pixels: Pixels): Samples {
  if (pixels.channels === 1) return pixels.samples;
  const { samples } = pixels;
  const grey = new Float32Array(pixels.rows * pixels.columns);
  for (let i = 0, s = 0; i < grey.length; i++, s += pixels.channels) {
    grey[i] = 0.299 * samples[s]! + 0.587 * samples[s + 1]! + 0.114 * samples[s + 2]!;
  }
  return grey;
}

/** From a modality value (HU, where the modality gives it) to a stored sample. */
export function toSample(pixels: Pixels, value: number): number {
  return pixels.channels === 1 ? (value - pixels.intercept) / pixels.slope : value;
}

/** From a stored sample to a modality value. */
export function toValue(pixels: Pixels, sample: number): number {
  return pixels.channels === 1 ? sample * pixels.slope + pixels.intercept : sample;
}

/** The least and greatest modality value of the pixels under a round brush; null beside the image. */
export function rangeUnder(
  pixels: Pixels,
  samples: Samples,
  at: Point,
  radius: number,
  aspect: number,
): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  const reach = radius / aspect;
  const last = { x: pixels.columns - 1, y: pixels.rows - 1 };
  for (let y = Math.max(0, Math.floor(at.y - reach)); y <= Math.min(last.y, at.y + reach); y++) {
    for (
      let x = Math.max(0, Math.floor(at.x - radius));
      x <= Math.min(last.x, at.x + radius);
      x++
    ) {
      const under = Math.hypot(x + 0.5 - at.x, (y + 0.5 - at.y) * aspect) <= radius;
      const here = Math.floor(at.x) === x && Math.floor(at.y) === y;
      if (!under && !here) continue;
      const sample = samples[y * pixels.columns + x]!;
      low = Math.min(low, sample);
      high = Math.max(high, sample);
    }
  }
  if (low > high) return null;
  const [a, b] = [toValue(pixels, low), toValue(pixels, high)];
  return [Math.min(a, b), Math.max(a, b)];
}
