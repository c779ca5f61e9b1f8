/** What is marked on the image beside labels: measurements, and the places that remarks point to. */
import type { Measure } from "../domain/measure";
import type { Point } from "../domain/ops";
import { inWords } from "./measures";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Marked, Ui } from "./ui";

/** The places on one slice, by the assignment under which its drawing is kept. */
interface Pins {
  readonly assignment: number | null;
  readonly places: readonly { readonly at: Point; readonly text: string }[];
}

const NO_PINS: Pins = { assignment: null, places: [] };

export class Marks {
  private pins = NO_PINS;
  /** The assignment of the case at hand last. */
  private at: number | null = null;

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
  ) {}

  /** Another case: no remark is begun, and none is known yet. One that is opened anew keeps both. */
  follow(assignment: number): void {
    this.ui.set({ pinning: false });
    if (assignment === this.at) return;
    this.at = assignment;
    this.ui.set({ remark: { text: "", place: null } });
    this.pins = NO_PINS;
  }

  /** Whether no remark is begun that would be lost with the case; one that is comes up to be sent. */
  complete(): boolean {
    if (this.ui.get().remark.text.trim() === "") return true;
    this.ui.set({ ask: "remarks" });
    return false;
  }

  /** What was measured on the image on show. */
  get measures(): readonly Marked[] {
    const { image } = this.sheet;
    return this.ui.get().measures.filter((each) => each.image === image?.id);
  }

  measured(measure: Measure): void {
    const { image } = this.sheet;
    if (!image) return;
    const others = this.ui.get().measures.filter((each) => each.kind !== measure.kind);
    const made = { ...measure, image: image.id };
    this.ui.set({ measures: measure.points.length > 0 ? [...others, made] : others });
    this.draw();
  }

  clearMeasures(): void {
    this.ui.set({ measures: [] });
    this.draw();
  }

  /** The next press on the slice drawn on says where the remark points to. */
  pin(): void {
    this.ui.set({ pinning: true, ask: null });
  }

  /** The remark points here: to a place on the slice, not on those around it. */
  place(at: Point): void {
    const { slice } = this.sheet;
    if (!slice || !this.onSlice) return;
    const { remark } = this.ui.get();
    const place = { at, assignment: slice.assignment };
    this.ui.set({ pinning: false, ask: "remarks", remark: { ...remark, place } });
    this.draw();
  }

  /** Number the places that the remarks on a slice point to. */
  showPins(assignment: number | null, remarks: readonly { readonly place: Point | null }[]): void {
    const places = remarks.flatMap(({ place }, i) =>
      place ? [{ at: place, text: `${i + 1}` }] : [],
    );
    this.pins = { assignment, places };
    this.draw();
  }

  /** Whether the image on show is that of the slice drawn on. */
  private get onSlice(): boolean {
    const { image, slice } = this.sheet;
    return slice !== null && image?.id === slice.image.id;
  }

  /** Put on the surface what belongs to the image on show. */
  draw(): void {
    const { surface, slice, image } = this.sheet;
    const measures = this.measures.map((each) => ({
      points: each.points,
      text: inWords(each, image?.spacing),
    }));
    surface?.setMeasures([...measures, ...(slice && this.onSlice ? this.pinsOf(slice) : [])]);
  }

  private pinsOf({ assignment }: { readonly assignment: number }): {
    points: Point[];
    text: string;
  }[] {
    const { place } = this.ui.get().remark;
    const { pins } = this;
    const begun = place?.assignment === assignment ? [{ at: place.at, text: "+" }] : [];
    const kept = pins.assignment === assignment ? pins.places : [];
    return [...kept, ...begun].map(({ at, text }) => ({ points: [at], text }));
  }
}
