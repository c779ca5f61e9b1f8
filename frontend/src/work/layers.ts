/** What lies over the image: labels, outlines of other versions, the model's maps. */
import { difference } from "../domain/mask";
import { inSight, type Look } from "../viewer/palette";
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

  showImage(image: boolean): void {
    this.ui.set({ image });
    this.sheet.surface?.setImageVisible(image);
  }

  setLook(look: Look): void {
    if (look === "hidden" && this.busy()) return;
    this.ui.set({ look });
    this.lay();
  }

  /** Take a class out of sight, or show it again: that at any time. */
  toggleClass(label: number): void {
    const unshown = new Set(this.ui.get().unshown);
    if (!unshown.delete(label)) {
      if (this.busy()) return;
      unshown.add(label);
    }
    this.ui.set({ unshown });
    this.colour();
    this.lay();
  }

  setStrength(label: number, strength: number): void {
    this.ui.set({ strengths: new Map([...this.ui.get().strengths, [label, strength]]) });
    this.colour();
  }

  /** Another case: nobody is to hand in what they do not see. */
  follow(): void {
    const { look, unshown } = this.ui.get();
    const shown = look === "hidden" ? "filled" : look;
    this.ui.set({ look: shown, labelsHidden: false, unshown: new Set() });
    if (unshown.size > 0) this.colour();
    this.showImage(true);
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

  /** The classes have other colours or strengths, or the surface is new. */
  colour(): void {
    const { classes, strengths, unshown } = this.ui.get();
    const colours = new Map(classes.map((each) => [each.index, each.colour]));
    this.sheet.surface?.setColours(colours, inSight(strengths, unshown));
  }

  lay(): void {
    const { surface, slice } = this.sheet;
    const { mine, labelsHidden, look, outlines, changes, before } = this.ui.get();
    surface?.setLook(mine && !labelsHidden ? look : "hidden");
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
