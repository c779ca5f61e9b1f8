/** The model's maps under the labels: one at a time, of the slice drawn on, fetched when wanted. */
import { hottest } from "../domain/heat";
import type { Mask } from "../domain/mask";
import type { Surface } from "../viewer/surface";
import { loadMask, type Slice } from "./case";
import type { Server } from "./server";
import type { Store } from "./store";
import { HEATS, type Heat, lacking, type Ui } from "./ui";

type SliceMap = Slice["maps"][number];

const ASK_EVERY = 2000;

export class Maps {
  private laid: SliceMap | null = null;
  /** The map that could not be fetched: it is not tried again unasked while no other one is wanted. */
  private failed: SliceMap | null = null;
  /** What a map that could not be fetched was wanted for. */
  private wanting: (() => void) | null = null;
  /** Of slices whose reader asked for more: all their maps. */
  private readonly more = new WeakMap<Slice, readonly SliceMap[]>();
  private readonly asked = new WeakMap<Slice, Ui["asked"]>();

  constructor(
    private readonly ui: Store<Ui>,
    private readonly server: Server,
    private readonly slice: () => Slice | null,
    private readonly surface: () => Surface | null,
  ) {}

  /** Lay a map under the labels, or take it away; one that takes long is asked for first. */
  choose(heat: Heat | null): void {
    this.ui.set({ heat });
    this.lay();
    const slice = this.slice();
    if (heat !== "occlusion" || !slice || this.has(slice, heat)) return;
    if (this.explained) void this.ask(slice);
  }

  /** Whether the model says something of the slice at hand that it may be asked about. */
  get explained(): boolean {
    const slice = this.slice();
    if (!slice || !this.server.askMaps) return false;
    return slice.suggestion !== null || slice.maps.length > 0;
  }

  private of(slice: Slice): readonly SliceMap[] {
    return this.more.get(slice) ?? slice.maps;
  }

  private has(slice: Slice, kind: Heat): boolean {
    return this.of(slice).some((each) => each.kind === kind);
  }

  /** Ask for the maps that are made on request, and wait while the slice is looked at. */
  private async ask(slice: Slice): Promise<void> {
    if (this.asked.get(slice) === "asked" || !this.server.askMaps) return;
    this.tell(slice, "asked");
    try {
      let found = await this.server.askMaps(slice.assignment);
      while (found.asked && this.slice() === slice) {
        await new Promise((wake) => setTimeout(wake, ASK_EVERY));
        found = await this.server.maps(slice.assignment);
      }
      this.more.set(slice, found.maps);
      this.tell(slice, this.has(slice, "occlusion") || found.asked ? "no" : "failed");
    } catch {
      this.tell(slice, "failed");
    }
  }

  private tell(slice: Slice, asked: Ui["asked"]): void {
    this.asked.set(slice, asked);
    if (this.slice() === slice) this.lay();
  }

  /** The surface is new or shows another case: nothing lies on it. */
  forget(): void {
    this.laid = null;
    this.failed = null;
    this.put(null);
  }

  private put(map: Mask | null): void {
    this.surface()?.showHeat(map);
    this.ui.set({ mapped: map !== null });
  }

  /** The map that is wanted, if this slice has it: that of the class, or of the answer, at hand. */
  private atHand(kind: Heat | null): SliceMap | null {
    const slice = this.slice();
    const fits = (each: SliceMap) =>
      each.kind === kind && (each.kind === "uncertainty" || this.about(each));
    return this.ui.get().mine && slice ? (this.of(slice).find(fits) ?? null) : null;
  }

  /** Where the map that is wanted is missing: on this frame, from the case, of what is at hand. */
  get absence(): "frame" | "case" | "hand" | null {
    const { heat, mine } = this.ui.get();
    const slice = this.slice();
    if (!heat || !slice || this.atHand(heat)) return null;
    if (!mine) return "frame";
    if (this.has(slice, heat)) return "hand";
    // It is made when it is asked for.
    return heat === "occlusion" && this.explained ? null : "case";
  }

  private about(map: SliceMap): boolean {
    const { label, questions, question, findings } = this.ui.get();
    if (map.question === "") return map.class_index === label;
    if (questions[question]?.name !== map.question) return false;
    const answer = findings[map.question];
    return Array.isArray(answer) ? answer.includes(map.option) : String(answer) === map.option;
  }

  lay(): void {
    const slice = this.slice();
    const wanted = this.atHand(this.ui.get().heat);
    const heats = HEATS.filter((kind) => this.atHand(kind) !== null);
    const asked = (slice && this.asked.get(slice)) ?? "no";
    if (asked !== this.ui.get().asked) this.ui.set({ asked });
    if (heats.join() !== this.ui.get().heats.join()) this.ui.set({ heats });
    if (!wanted) {
      this.failed = null;
      this.lacks(null);
    } else if (wanted === this.failed) return;
    if (wanted === this.laid) return;
    this.failed = null;
    this.laid = wanted;
    this.put(null);
    this.lacks(null);
    if (!wanted || !slice) return;
    void this.heatOf(wanted, slice).then(
      (map) => {
        if (this.laid === wanted) this.put(map);
      },
      () => {
        if (this.laid !== wanted) return;
        this.laid = null;
        this.failed = wanted;
        this.lacks(() => this.lay());
      },
    );
  }

  /** Do once more what a map lacked for. */
  again(): void {
    const { wanting } = this;
    this.failed = null;
    this.lacks(null);
    wanting?.();
  }

  /** Say that a map could not be fetched, and what it was wanted for. */
  private lacks(wanting: (() => void) | null): void {
    this.wanting = wanting;
    this.ui.set({ lacking: lacking(this.ui.get().lacking, "map", wanting !== null) });
  }

  private heatOf(map: SliceMap, slice: Slice): Promise<Mask> {
    return loadMask(this.server, slice.image, map.url);
  }

  /** Look at the region of this slice where the model is least sure. */
  async lookWhereUnsure(): Promise<void> {
    const slice = this.slice();
    const map = this.atHand("uncertainty");
    if (!map || !slice) return;
    const heat = await this.heatOf(map, slice).catch(() => null);
    if (this.slice() !== slice) return;
    if (!heat) {
      this.lacks(() => void this.lookWhereUnsure());
      return;
    }
    const reach = Math.max(4, Math.round(Math.min(heat.rows, heat.columns) / 16));
    const at = hottest(heat, reach);
    if (at) this.surface()?.lookAt(at, 2);
  }
}
