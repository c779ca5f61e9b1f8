/** What is marked on the image beside labels: measurements, and the places that remarks point to. */
import type { Measure } from "../domain/measure";
import type { Point } from "../domain/ops";
import { inWords } from "./measures";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

export class Marks {
  private pins: readonly { readonly at: Point; readonly text: string }[] = [];

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
  ) {}

  /** Another case: no remark is begun, and none is known yet. */
  follow(): void {
    this.ui.set({ remark: { text: "", place: null }, pinning: false });
    this.pins = [];
  }

  measured(measure: Measure): void {
    const others = this.ui.get().measures.filter((each) => each.kind !== measure.kind);
    this.ui.set({ measures: measure.points.length > 0 ? [...others, measure] : others });
    this.draw();
  }

  clearMeasures(): void {
    this.ui.set({ measures: [] });
    this.draw();
  }

  /** The next press on the image says where the remark points to. */
  pin(): void {
    this.ui.set({ pinning: true, ask: null });
  }

  /** The remark points here. */
  place(at: Point): void {
    const { remark } = this.ui.get();
    this.ui.set({ pinning: false, ask: "remarks", remark: { ...remark, place: at } });
    this.draw();
  }

  /** Number the places that remarks point to. */
  showPins(remarks: readonly { readonly place: Point | null }[]): void {
    this.pins = remarks.flatMap(({ place }, i) => (place ? [{ at: place, text: `${i + 1}` }] : []));
    this.draw();
  }

  private draw(): void {
    const { surface, work } = this.sheet;
    const spacing = work?.assignment.image.spacing;
    const { measures, remark, mine } = this.ui.get();
    const shown = measures.map(({ points, ...each }) => ({
      points,
      text: inWords({ points, ...each }, spacing),
    }));
    // Remarks are of the slice drawn on, not of those around it.
    const pins = mine ? this.pins.map(({ at, text }) => ({ points: [at], text })) : [];
    const next = remark.place && mine ? [{ points: [remark.place], text: "+" }] : [];
    surface?.setMeasures([...shown, ...pins, ...next]);
  }
}
