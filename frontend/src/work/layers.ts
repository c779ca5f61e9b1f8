/** What lies over the image: labels, outlines of other versions, the model's maps. */
import { difference } from "../domain/mask";
import type { OutlineLayer } from "../viewer/surface";
import type { Maps } from "./maps";
import type { Pointer } from "./pointer";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

/** The design's colour of attention. */
const ATTENTION = "#E0A93B";
const EARLIER = "#FFFFFF";

export class Layers {
  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    private readonly maps: Maps,
    private readonly pointer: Pointer,
    /** Whether a tool is at work. */
    private readonly busy: () => boolean,
  ) {}

  setOpacity(opacity: number): void {
    this.ui.set({ opacity });
    this.sheet.surface?.setOpacity(opacity);
  }

  setSmooth(smooth: boolean): void {
    this.ui.set({ smooth });
    this.sheet.surface?.setSmooth(smooth);
  }

  hideLabels(labelsHidden: boolean): void {
    if (this.ui.get().labelsHidden === labelsHidden) return;
    if (labelsHidden && this.busy()) return;
    this.ui.set({ labelsHidden });
    this.lay();
  }

  showOutlines(outlines: boolean): void {
    this.ui.set({ outlines });
    this.lay();
  }

  /** Outline what differs from the suggestion. */
  showChanges(changes: boolean): void {
    this.ui.set({ changes });
    this.lay();
  }

  /** Outline the version that this one corrects. */
  showBefore(before: boolean): void {
    this.ui.set({ before });
    this.lay();
  }

  /** The classes have other colours, or the surface is new. */
  colour(): void {
    const { classes } = this.ui.get();
    this.sheet.surface?.setColours(new Map(classes.map((each) => [each.index, each.colour])));
  }

  lay(): void {
    const { surface, slice } = this.sheet;
    const { mine, labelsHidden, outlines, changes, before } = this.ui.get();
    surface?.setLabelsVisible(mine && !labelsHidden);
    const shown: OutlineLayer[] = [];
    const suggestion = slice?.suggestion;
    if (mine && !labelsHidden && suggestion) {
      if (outlines) shown.push({ mask: suggestion, colour: null });
      if (changes) shown.push({ mask: difference(slice.mask, suggestion), colour: ATTENTION });
    }
    const earlier = before && mine && !labelsHidden ? slice?.before : null;
    if (earlier) shown.push({ mask: earlier, colour: EARLIER });
    surface?.showOutlines(shown);
    this.maps.lay();
    this.pointer.draw();
  }
}
