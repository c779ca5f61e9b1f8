/** Area, mean and deviation of the class at hand, and where labels are, once the hand rests. */
import { isDrawn } from "../domain/mask";
import { type RegionStatistics, statistics } from "../domain/measure";
import { toValue } from "../domain/sampling";
import type { Pixels } from "../domain/window";
import type { Case } from "./case";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

const COUNT_AFTER = 150;

/** Of stored samples, in the values they stand for: each slice of a series has its own slope. */
function inValues(stored: RegionStatistics, pixels: Pixels): RegionStatistics {
  const { mean, deviation } = stored;
  if (mean === null || deviation === null || pixels.channels !== 1) return stored;
  return {
    ...stored,
    mean: toValue(pixels, mean),
    deviation: deviation * Math.abs(pixels.slope),
  };
}

export class Tally {
  /** Which slices hold labels, and which may have changed since that was looked up. */
  private drawn: boolean[] = [];
  private stale = new Set<number>();
  private counting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    /** The slice that each frame of the series is; -1 where a frame is only context. */
    private readonly places: () => readonly number[],
  ) {}

  follow(work: Case): void {
    this.drawn = [];
    this.stale = new Set(work.slices.keys());
    this.ui.set({ labelled: [] });
  }

  changed(places: readonly number[]): void {
    for (const place of places) this.stale.add(place);
  }

  count(): void {
    clearTimeout(this.counting);
    this.counting = setTimeout(() => {
      const { work, slice, pixels } = this.sheet;
      const { label, mine, arrived } = this.ui.get();
      // While a frame is on its way, what is on show are another one's values.
      const shown = slice && pixels && mine && arrived;
      const stats = shown
        ? inValues(statistics(slice.mask, this.sheet.samples, label, slice.image.spacing), pixels)
        : null;
      // A series is large: only what changed is looked through.
      for (const place of this.stale) {
        const drawn = work?.slices[place];
        this.drawn[place] = drawn ? isDrawn(drawn.mask) : false;
      }
      this.stale.clear();
      const labelled = this.places().flatMap((place, frame) => (this.drawn[place] ? [frame] : []));
      this.ui.set({ stats, labelled });
    }, COUNT_AFTER);
  }

  close(): void {
    clearTimeout(this.counting);
  }
}
