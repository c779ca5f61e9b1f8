/** The drawing at work: every act on the labels is one step of the history. */
import { EMPTY_RECT, emptyMask, fullRect, type Mask, type Rect, union } from "../domain/mask";
import { clearEqual, copyClass, replaceAll } from "../domain/ops";
import { fillBetween, inStack, slicesIn } from "../domain/stack";
import type { Pen } from "./pen";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

interface Acts {
  /** End the act under way, as another one is to begin. False where an outline is open: it stays. */
  begin(): boolean;
  /** Take back the last press of the act under way; whether there was one. */
  back(): boolean;
  /** Put a slice on show. */
  show(place: number): void;
  /** These slices were changed by one act. */
  edited(places: readonly number[]): void;
}

export class Drawing {
  private dirty: Rect = EMPTY_RECT;

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    private readonly pen: Pen,
    private readonly acts: Acts,
  ) {}

  /** Another case: what was touched belongs to the one before. */
  follow(): void {
    this.dirty = EMPTY_RECT;
  }

  touched(rect: Rect): void {
    this.dirty = union(this.dirty, rect);
    this.sheet.surface?.touched(rect);
  }

  commit(): void {
    const { work, at } = this.sheet;
    const changed = work?.history.commit(this.boxed(this.dirty)) ?? false;
    this.dirty = EMPTY_RECT;
    if (changed) this.acts.edited([at]);
  }

  revert(): void {
    const { work, surface } = this.sheet;
    work?.history.revert(this.boxed(this.dirty));
    surface?.touched(this.dirty);
    this.dirty = EMPTY_RECT;
  }

  /** A box of the slice drawn on, as the history counts rows. */
  private boxed(rect: Rect): Rect {
    const { at, mask } = this.sheet;
    return inStack(rect, at, mask.rows);
  }

  /** One act on the whole map, as one step of the history. */
  edit(act: (mask: Mask) => Rect): void {
    const { sheet } = this;
    if (!sheet.work || !sheet.drawable || !this.acts.begin()) return;
    this.touched(act(sheet.mask));
    this.commit();
  }

  /** Draw the class at hand on the slices between those that hold it, as one step. */
  fillBetween(): void {
    const { sheet } = this;
    const { work } = sheet;
    if (!work || !sheet.drawable || !this.acts.begin()) return;
    const masks = work.slices.map((slice) => slice.mask);
    const rect = fillBetween(masks, this.pen.ink("draw"), sheet.view.aspect);
    if (!work.history.commit(rect)) return;
    sheet.surface?.touched(fullRect(sheet.mask));
    this.acts.edited(slicesIn(rect, sheet.mask.rows));
  }

  /** Draw the class at hand as it stands on the slice before. */
  copyBefore(): void {
    const { work, at } = this.sheet;
    const before = work?.slices[at - 1];
    if (before) this.edit((mask) => copyClass(mask, before.mask, this.pen.ink("draw")));
  }

  clearSuggestion(): void {
    const suggestion = this.sheet.slice?.suggestion;
    if (suggestion) this.edit((mask) => clearEqual(mask, suggestion, this.pen.open));
  }

  loadSuggestion(): void {
    const suggestion = this.sheet.slice?.suggestion;
    if (suggestion) this.replaceBy(suggestion);
  }

  clearAll(): void {
    const nothing = emptyMask(this.sheet.mask.rows, this.sheet.mask.columns);
    this.replaceBy(nothing);
  }

  /** Classes out of sight are neither changed nor written. */
  private replaceBy(other: Mask): void {
    const { unshown } = this.ui.get();
    this.edit((mask) => replaceAll(mask, other, this.pen.open, unshown));
  }

  undo(): void {
    if (this.acts.back()) return;
    this.stepped(this.sheet.work?.history.undo() ?? null);
  }

  redo(): void {
    this.stepped(this.sheet.work?.history.redo() ?? null);
  }

  /** After undo or redo: show a slice that it changed. */
  private stepped(rect: Rect | null): void {
    if (!rect) return;
    const { sheet } = this;
    const changed = slicesIn(rect, sheet.mask.rows);
    if (!changed.includes(sheet.at) || !this.ui.get().mine) this.acts.show(changed[0]!);
    sheet.surface?.touched(fullRect(sheet.mask));
    this.acts.edited(changed);
  }
}
