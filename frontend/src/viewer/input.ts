/**
 * Pointer Events to tools: mouse, pen and touch. One pointer draws with the tool at hand; the
 * right button always sets the window, the middle button or the space bar always pans; two fingers
 * pan and zoom and take back what the first one's press began; a palm beside a pen is not heard.
 */
import { pinch, toImage, zoomAt } from "../domain/geometry";
import type { Point } from "../domain/ops";
import { Pan, WindowLevel } from "../tools/look";
import type { Board, Spot, Tool } from "../tools/tool";
import type { Surface } from "./surface";

export interface InputHost {
  readonly board: Board;
  tool(): Tool;
  panning(): boolean;
  /** The left button may be wanted for something else than the tool (picking a value): true if so. */
  taken(spot: Spot): boolean;
  /** After anything that may have changed what is shown beside the image. */
  changed(): void;
  /** The pointer moved over the image, or left it (null). */
  hover(spot: Spot | null): void;
  /** The wheel was turned without Ctrl: +1 or -1 frames. Returns false to zoom instead. */
  scroll(step: number): boolean;
  /** The wheel was turned with Shift: a larger (+1) or smaller (-1) brush. */
  resize(step: number): void;
}

/** Turns of the wheel smaller than this add up (touch pads send many small ones). */
const WHEEL_STEP = 40;

export class Input {
  private readonly pan = new Pan();
  private readonly level = new WindowLevel();
  private active: { id: number; tool: Tool } | null = null;
  private readonly fingers = new Map<number, Point>();
  private penDown = false;
  private wheel = 0;
  private readonly stop = new AbortController();

  constructor(
    private readonly surface: Surface,
    private readonly host: InputHost,
  ) {
    const { host: element } = surface;
    const { signal } = this.stop;
    element.addEventListener("pointerdown", this.down, { signal });
    element.addEventListener("pointermove", this.move, { signal });
    element.addEventListener("pointerup", this.up, { signal });
    element.addEventListener("pointercancel", this.lost, { signal });
    element.addEventListener("pointerleave", this.leave, { signal });
    element.addEventListener("wheel", this.turn, { signal, passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  }

  destroy(): void {
    this.stop.abort();
  }

  /** Escape: back to the state before the act. Returns whether there was one. */
  cancel(): boolean {
    return this.end("cancel");
  }

  /** Undo: what the last press began. Of an outline, its last corner. Returns whether there was any. */
  back(): boolean {
    return this.end("back");
  }

  private end(how: "cancel" | "back"): boolean {
    const tool = this.active?.tool ?? this.host.tool();
    const was = tool[how](this.host.board);
    this.active = null;
    if (was) this.after();
    return was;
  }

  private spot(event: PointerEvent | WheelEvent): Spot {
    const { x, y } = this.surface.origin;
    const screen = { x: event.clientX - x, y: event.clientY - y };
    return { screen, image: toImage(this.surface.view, screen) };
  }

  private after(): void {
    this.surface.setPreview(this.host.tool().preview());
    this.host.changed();
  }

  private readonly down = (event: PointerEvent): void => {
    if (event.pointerType === "touch" && this.penDown) return;
    this.surface.measure();
    event.preventDefault();
    this.surface.host.focus({ preventScroll: true });
    this.surface.host.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.penDown = true;
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, this.spot(event).screen);
      if (this.fingers.size > 1) {
        if (this.active) this.back();
        return;
      }
    }
    if (this.active) return;
    const tool =
      event.button === 2
        ? this.level
        : event.button === 1 || this.host.panning()
          ? this.pan
          : this.host.tool();
    if (event.button > 2) return;
    if (event.button === 0 && this.host.taken(this.spot(event))) return;
    this.active = { id: event.pointerId, tool };
    tool.down(this.host.board, this.spot(event));
    this.after();
  };

  private readonly move = (event: PointerEvent): void => {
    if (this.fingers.size > 1 && this.fingers.has(event.pointerId)) {
      this.gesture(event);
      return;
    }
    const last = this.spot(event);
    // A second finger may come in the middle of a stroke: the two then begin where both are.
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, last.screen);
    if (this.active && this.active.id !== event.pointerId) return;
    // A polygon follows the pointer between clicks, so moves count without a button too.
    const tool = this.active?.tool ?? this.host.tool();
    if (tool.busy) {
      const events = event.getCoalescedEvents?.() ?? [];
      const spots = events.length > 0 ? events.map((each) => this.spot(each)) : [last];
      tool.move(this.host.board, spots);
      this.surface.setPreview(this.host.tool().preview());
    }
    this.host.hover(last);
  };

  private readonly up = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
    if (event.pointerType === "pen") this.penDown = false;
    if (this.active?.id !== event.pointerId) return;
    const { tool } = this.active;
    this.active = null;
    tool.up(this.host.board, this.spot(event));
    this.after();
  };

  private readonly lost = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
    if (event.pointerType === "pen") this.penDown = false;
    if (this.active?.id === event.pointerId) this.back();
  };

  private readonly leave = (): void => {
    if (!this.active) this.host.hover(null);
  };

  private gesture(event: PointerEvent): void {
    const [a, b] = [...this.fingers.keys()];
    if (a === undefined || b === undefined) return;
    const before: [Point, Point] = [this.fingers.get(a)!, this.fingers.get(b)!];
    this.fingers.set(event.pointerId, this.spot(event).screen);
    const now: [Point, Point] = [this.fingers.get(a)!, this.fingers.get(b)!];
    this.surface.view = pinch(this.surface.view, before, now);
  }

  private readonly turn = (event: WheelEvent): void => {
    event.preventDefault();
    // With Shift some systems turn the wheel sideways.
    const turned = event.deltaY || event.deltaX;
    const delta = event.deltaMode === 1 ? turned * 40 : turned;
    if (event.shiftKey) {
      this.host.resize(delta < 0 ? 1 : -1);
      return;
    }
    if (!event.ctrlKey && !event.metaKey) {
      this.wheel += delta;
      const steps = Math.trunc(this.wheel / WHEEL_STEP);
      if (steps === 0) return;
      this.wheel = 0;
      if (this.host.scroll(Math.sign(steps))) return;
    }
    const at = this.spot(event).screen;
    this.surface.view = zoomAt(this.surface.view, at, Math.exp(-delta * 0.0015));
    this.host.hover(this.spot(event));
  };
}
