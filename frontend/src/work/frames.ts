/** The neighbours of a case in its series, for context only: fetched on demand, a few kept. */
import type { ImageInfo } from "../api/client";
import type { Pixels } from "../domain/window";
import { loadPixels } from "./case";
import type { Server } from "./server";

const KEEP = 48;

export class Frames {
  private series: { id: number; frames: readonly ImageInfo[] } | null = null;
  private readonly kept = new Map<number, Promise<Pixels>>();

  constructor(private readonly server: Server) {}

  /** Learn the frames of a series, in order. Known ones are not asked for again. */
  async open(id: number): Promise<readonly ImageInfo[]> {
    if (this.series?.id === id) return this.series.frames;
    const { frames } = await this.server.series(id);
    this.series = { id, frames };
    return frames;
  }

  pixels(image: ImageInfo): Promise<Pixels> {
    const known = this.kept.get(image.id);
    if (known) {
      // Move to the young end of the map.
      this.kept.delete(image.id);
      this.kept.set(image.id, known);
      return known;
    }
    const coming = loadPixels(this.server, image);
    this.kept.set(image.id, coming);
    coming.catch(() => this.kept.delete(image.id));
    const oldest = this.kept.keys().next().value;
    if (this.kept.size > KEEP && oldest !== undefined) this.kept.delete(oldest);
    return coming;
  }

  /** Fetch the nearest neighbours ahead of the reader's wheel; failures show up when asked for. */
  warm(frames: readonly ImageInfo[], around: number, reach = 3): void {
    for (let d = 1; d <= reach; d++) {
      for (const i of [around - d, around + d]) {
        const image = frames[i];
        if (image) this.pixels(image).catch(() => undefined);
      }
    }
  }
}
