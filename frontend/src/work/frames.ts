/**
 * The neighbours of a case in its series, for context: fetched outward from the frame on show, the
 * newest kept up to a number of bytes.
 */
import type { ImageInfo, Series } from "../api/client";
import type { Pixels } from "../domain/window";
import { loadPixels } from "./case";
import type { Server } from "./server";

const KEEP_BYTES = 384 * 2 ** 20;
/** Requests under way at once; the case behind this one must not wait for the series. */
const AT_ONCE = 3;

interface Kept {
  readonly coming: Promise<Pixels>;
  bytes: number;
}

export class Frames {
  series: Series | null = null;
  private readonly kept = new Map<number, Kept>();
  private bytes = 0;
  private ahead: ImageInfo[] = [];
  private fetching = 0;

  constructor(private readonly server: Server) {}

  /** Learn the frames of a series, in order. Known ones are not asked for again. */
  async open(id: number): Promise<readonly ImageInfo[]> {
    if (this.series?.id === id) return this.series.frames;
    this.series = await this.server.series(id);
    return this.series.frames;
  }

  pixels(image: ImageInfo): Promise<Pixels> {
    const known = this.kept.get(image.id);
    if (known) {
      // Move to the young end of the map.
      this.kept.delete(image.id);
      this.kept.set(image.id, known);
      return known.coming;
    }
    const kept: Kept = { coming: loadPixels(this.server, image), bytes: 0 };
    this.kept.set(image.id, kept);
    kept.coming.then(
      (pixels) => this.weigh(kept, pixels.samples.byteLength),
      () => this.kept.delete(image.id),
    );
    return kept.coming;
  }

  /** Fetch the series outward from a frame; a later call takes the place of an earlier one. */
  warm(frames: readonly ImageInfo[], around: number): void {
    const outward = frames
      .map((image, i) => ({ image, far: Math.abs(i - around) }))
      .filter(({ far }) => far > 0)
      .sort((a, b) => a.far - b.far);
    let room = KEEP_BYTES;
    this.ahead = [];
    for (const { image } of outward) {
      room -= image.rows * image.columns * image.channels * bytesPer(image.dtype);
      if (room < 0) break;
      if (!this.kept.has(image.id)) this.ahead.push(image);
    }
    while (this.fetching < AT_ONCE && this.ahead.length > 0) void this.fetchNext();
  }

  /** Stop fetching ahead: another case has come. */
  rest(): void {
    this.ahead = [];
  }

  private async fetchNext(): Promise<void> {
    this.fetching++;
    // A failure shows up when the frame is asked for.
    for (let image = this.ahead.shift(); image; image = this.ahead.shift()) {
      await this.pixels(image).catch(() => undefined);
    }
    this.fetching--;
  }

  private weigh(kept: Kept, bytes: number): void {
    kept.bytes = bytes;
    this.bytes += bytes;
    for (const [id, old] of this.kept) {
      if (this.bytes <= KEEP_BYTES || old === kept) break;
      this.kept.delete(id);
      this.bytes -= old.bytes;
    }
  }
}

function bytesPer(dtype: string): number {
  return Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8;
}
