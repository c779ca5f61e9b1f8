/** Looking without drawing: the review page's image with a submitted mask over it. */
import type { ImageInfo, LabelClass, Schemas } from "../api/client";
import { HOME, type View } from "../domain/geometry";
import { type Ink, makeInk } from "../domain/ink";
import { emptyMask, type Mask, maskFrom } from "../domain/mask";
import { autoWindow, type Pixels, type Window } from "../domain/window";
import { Pan } from "../tools/look";
import type { Board } from "../tools/tool";
import { Input } from "../viewer/input";
import { inSight, type Look, type Strengths } from "../viewer/palette";
import { type OutlineLayer, Surface } from "../viewer/surface";
import { firstWindow, loadPixels } from "./case";
import type { Server } from "./server";
import { Store } from "./store";

export interface LookState {
  readonly window: Window;
  /** How the image lies on the screen; null while there is none. */
  readonly view: View | null;
  /** While a key hides the labels and all that lies over them. */
  readonly hidden: boolean;
  readonly look: Look;
  /** Classes that are out of sight on this case. */
  readonly unshown: ReadonlySet<number>;
  readonly strengths: Strengths;
  readonly image: boolean;
  readonly opacity: number;
  readonly outlines: boolean;
  /** What other people, or the same one earlier, drew on this case. */
  readonly others: readonly OutlineLayer[];
  /** The annotation on the screen; null while there is none. */
  readonly annotation: number | null;
}

export interface Shown {
  readonly annotation: number;
  readonly image: ImageInfo;
  readonly pixels: Pixels;
  readonly mask: Mask;
  readonly suggestion: Mask | null;
}

type Item = Pick<Schemas["ReviewItem"], "annotation" | "image" | "mask_url" | "suggestion">;

/** Fetch an image with the masks that lie on it. */
export async function loadShown(server: Server, item: Item): Promise<Shown> {
  const { annotation, image, mask_url, suggestion: suggested } = item;
  const grid = async (url: string) =>
    maskFrom(image.rows, image.columns, new Uint8Array(await server.bytes(url)));
  const [pixels, mask, suggestion] = await Promise.all([
    loadPixels(server, image),
    grid(mask_url),
    suggested ? grid(suggested.mask_url) : null,
  ]);
  return { annotation, image, pixels, mask, suggestion };
}

export class Looking implements Board {
  readonly state = new Store<LookState>({
    window: { center: 0, width: 1 },
    view: null,
    hidden: false,
    look: "filled",
    unshown: new Set(),
    strengths: new Map(),
    image: true,
    opacity: 0.45,
    outlines: false,
    others: [],
    annotation: null,
  });
  readonly mask = emptyMask(1, 1);
  readonly shape = "round";
  readonly radius = 0;
  readonly samples = new Uint8Array(1);
  readonly sampleSpan = 1;
  readonly drawable = false;
  valueSpan = 1;
  private readonly tool = new Pan();
  private surface: Surface | null = null;
  private shown: Shown | null = null;
  private classes: readonly LabelClass[] = [];

  /** An empty surface on a host, until something is shown; the last one's image is forgotten. */
  mount(host: HTMLElement): () => void {
    const surface = new Surface(host, (view) => this.state.set({ view }));
    const input = new Input(surface, {
      board: this,
      tool: () => this.tool,
      panning: () => false,
      taken: () => false,
      changed: () => undefined,
      hover: () => undefined,
      scroll: () => false,
      resize: () => undefined,
    });
    this.surface = surface;
    this.setClasses(this.classes);
    this.shown = null;
    this.state.set({ annotation: null });
    surface.setEmpty(true);
    return () => {
      input.destroy();
      surface.destroy();
      this.surface = null;
    };
  }

  show(shown: Shown): void {
    this.shown = shown;
    this.valueSpan = autoWindow(shown.pixels, 0, 100).width;
    const window = firstWindow(shown.image, shown.pixels);
    // Nobody is to decide on what they do not see.
    const look = this.state.get().look === "hidden" ? "filled" : this.state.get().look;
    const sight = { hidden: false, look, unshown: new Set<number>(), image: true };
    this.state.set({ ...sight, window, annotation: shown.annotation });
    this.surface?.setEmpty(false);
    this.surface?.show({ pixels: shown.pixels, spacing: shown.image.spacing }, window);
    this.surface?.showMask(shown.mask);
    this.surface?.fit();
    this.layers();
  }

  setClasses(classes: readonly LabelClass[]): void {
    this.classes = classes;
    this.layers();
  }

  change(change: Partial<LookState>): void {
    this.state.set(change);
    this.layers();
  }

  /** Take a class out of sight, or show it again. */
  toggleClass(label: number): void {
    const unshown = new Set(this.state.get().unshown);
    if (!unshown.delete(label)) unshown.add(label);
    this.change({ unshown });
  }

  get hasSuggestion(): boolean {
    return this.shown?.suggestion != null;
  }

  get view(): View {
    return this.surface?.view ?? HOME;
  }

  set view(view: View) {
    if (this.surface) this.surface.view = view;
  }

  get window(): Window {
    return this.state.get().window;
  }

  set window(window: Window) {
    if (this.surface) this.surface.window = window;
    this.state.set({ window });
  }

  fit(): void {
    this.surface?.fit();
  }

  ink(): Ink {
    return makeInk(0);
  }

  measured(): void {}
  touched(): void {}
  commit(): void {}
  revert(): void {}

  private layers(): void {
    const { hidden, look, unshown, strengths, image, opacity, outlines, others } = this.state.get();
    const colours = new Map(this.classes.map((each) => [each.index, each.colour]));
    this.surface?.setColours(colours, inSight(strengths, unshown));
    this.surface?.setImageVisible(image);
    this.surface?.setLook(hidden ? "hidden" : look);
    this.surface?.setOpacity(opacity);
    const suggestion = outlines && !hidden ? this.shown?.suggestion : null;
    const own = suggestion ? [{ mask: suggestion, colour: null }] : [];
    this.surface?.showOutlines(hidden ? [] : [...own, ...others]);
  }
}
