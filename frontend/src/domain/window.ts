/**
 * From stored samples to what a screen shows: a look-up table for 8- and 16-bit samples, direct
 * arithmetic for wider ones. A modality value is sample * slope + intercept; the window
 * maps [center - width/2, center + width/2] to black..white (DICOM PS3.3 C.11.2.1.3, LINEAR_EXACT,
 * which unlike LINEAR also serves images whose values are not whole numbers).
 */
export type Dtype = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32";
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array;

export interface Window {
  readonly center: number;
  readonly width: number;
  /** Dark and bright changed over. */
  readonly inverted?: boolean;
}

/** What the description of an image says of its samples. */
export interface Pixels {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly dtype: Dtype;
  readonly bits: number;
  readonly slope: number;
  readonly intercept: number;
  readonly photometric: string;
  readonly samples: Samples;
}

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
} as const;

export function isDtype(name: string): name is Dtype {
  return name in ARRAYS;
}

/** View raw little-endian bytes as samples. Throws RangeError when the number of bytes is wrong. */
export function samplesFrom(buffer: ArrayBuffer, dtype: Dtype, count: number): Samples {
  const Kind = ARRAYS[dtype];
  if (buffer.byteLength !== count * Kind.BYTES_PER_ELEMENT) {
    throw new RangeError(`expected ${count} samples of ${dtype}, got ${buffer.byteLength} bytes`);
  }
  return new Kind(buffer);
}

/** 0..255 for one modality value. */
export function grey(value: number, window: Window): number {
  const width = Math.max(window.width, 1e-12);
  const level = ((value - window.center) / width + 0.5) * 255;
  return level <= 0 ? 0 : level >= 255 ? 255 : Math.round(level);
}

function isInverted(pixels: Pick<Pixels, "photometric">, window: Window): boolean {
  return (pixels.photometric === "MONOCHROME1") !== (window.inverted ?? false);
}

function opaque(level: number): number {
  return (0xff000000 | (level << 16) | (level << 8) | level) >>> 0;
}

/** RGBA words by the bits of a sample: index 0..255 or 0..65535, negative samples by their two's complement. */
export function buildLut(
  pixels: Pick<Pixels, "dtype" | "slope" | "intercept" | "photometric">,
  window: Window,
): Uint32Array {
  const { dtype, slope, intercept } = pixels;
  const size = dtype === "uint8" || dtype === "int8" ? 256 : 65536;
  const signed = dtype === "int8" || dtype === "int16";
  const inverted = isInverted(pixels, window);
  const lut = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    const sample = signed && i >= size / 2 ? i - size : i;
    const level = grey(sample * slope + intercept, window);
    lut[i] = opaque(inverted ? 255 - level : level);
  }
  return lut;
}

/** Write the image as RGBA words (little-endian: 0xAABBGGRR) into `out`, rows * columns long. */
export function render(pixels: Pixels, window: Window, out: Uint32Array): void {
  if (pixels.channels === 3) {
    renderColour(pixels, out);
    return;
  }
  const { samples } = pixels;
  if (samples.BYTES_PER_ELEMENT <= 2) {
    const lut = buildLut(pixels, window);
    const bits = lut.length - 1;
    for (let i = 0; i < out.length; i++) out[i] = lut[samples[i]! & bits]!;
    return;
  }
  const inverted = isInverted(pixels, window);
  for (let i = 0; i < out.length; i++) {
    const level = grey(samples[i]! * pixels.slope + pixels.intercept, window);
    out[i] = opaque(inverted ? 255 - level : level);
  }
}

/** Colour passes through; only its depth is brought to 8 bits. */
function renderColour(pixels: Pixels, out: Uint32Array): void {
  const { samples } = pixels;
  const most = pixels.dtype === "float32" ? 1 : 2 ** Math.max(1, pixels.bits) - 1;
  const scale = most === 255 ? 1 : 255 / most;
  for (let i = 0, s = 0; i < out.length; i++, s += 3) {
    const r = Math.min(255, Math.round(samples[s]! * scale));
    const g = Math.min(255, Math.round(samples[s + 1]! * scale));
    const b = Math.min(255, Math.round(samples[s + 2]! * scale));
    out[i] = (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  }
}

/** At most 65,536 evenly picked samples in order, kept as long as the image is: it is asked for thrice. */
const ordered = new WeakMap<Samples, Samples>();

function inOrder(pixels: Pixels): Samples {
  const { samples, dtype } = pixels;
  const known = ordered.get(samples);
  if (known) return known;
  const step = Math.max(1, Math.floor(samples.length / 65536));
  // Of the samples' own type: a browser sorts whole numbers in half the time.
  const picked = new ARRAYS[dtype](Math.ceil(samples.length / step));
  for (let i = 0, j = 0; i < samples.length; i += step, j++) picked[j] = samples[i]!;
  picked.sort();
  ordered.set(samples, picked);
  return picked;
}

/** A window from the `low` to the `high` percentile. */
export function autoWindow(pixels: Pixels, low = 0.5, high = 99.5): Window {
  const { samples } = pixels;
  if (samples.length === 0) return { center: 0, width: 1 };
  const picked = inOrder(pixels);
  const at = (p: number) => picked[Math.round((p / 100) * (picked.length - 1))]!;
  const a = at(low) * pixels.slope + pixels.intercept;
  const b = at(high) * pixels.slope + pixels.intercept;
  const width = Math.abs(b - a);
  return { center: (a + b) / 2, width: width > 0 ? width : Math.abs(pixels.slope) || 1 };
}

/** The modality value under a pixel; three values for colour; null outside. */
export function valueAt(pixels: Pixels, x: number, y: number): number[] | null {
  const column = Math.floor(x);
  const row = Math.floor(y);
  if (column < 0 || row < 0 || column >= pixels.columns || row >= pixels.rows) return null;
  const first = (row * pixels.columns + column) * pixels.channels;
  const values: number[] = [];
  for (let c = 0; c < pixels.channels; c++) {
    const sample = pixels.samples[first + c]!;
    values.push(pixels.channels === 1 ? sample * pixels.slope + pixels.intercept : sample);
  }
  return values;
}
