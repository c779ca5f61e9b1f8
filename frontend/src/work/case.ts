/** A case ready to be read: decoded pixels, the map to draw on, its history, and where it started. */
import type { Assignment, ImageInfo } from "../api/client";
import { fromBase64, gunzip } from "../domain/codec";
import { History } from "../domain/history";
import { emptyMask, type Mask, maskFrom } from "../domain/mask";
import { greySamples } from "../domain/sampling";
import { Stopwatch } from "../domain/stopwatch";
import {
  autoWindow,
  isDtype,
  type Pixels,
  type Samples,
  samplesFrom,
  type Window,
} from "../domain/window";
import type { Journal } from "../journal/journal";
import type { Server } from "./server";

/** Where the drawing that is shown first came from. */
export type Origin = "empty" | "suggestion" | "draft" | "journal" | "returned" | "answer";

/** An earlier answer of the reader's, taken up again to be amended. */
export interface Amended {
  readonly annotation: number;
  readonly mask_url: string;
}

export interface Case {
  assignment: Assignment;
  readonly pixels: Pixels;
  readonly mask: Mask;
  readonly history: History;
  readonly suggestion: Mask | null;
  readonly origin: Origin;
  /** The sequence of the newest known state of the drawing. */
  readonly sequence: number;
  /** True when the browser holds work that is newer than the server's draft. */
  readonly unsent: boolean;
  /** The annotation that this case, when handed in, is a new version of. */
  readonly amends: number | null;
  readonly stopwatch: Stopwatch;
  /** One number a pixel, whatever the channels. */
  readonly grey: Samples;
}

export async function loadPixels(server: Server, image: ImageInfo): Promise<Pixels> {
  if (!isDtype(image.dtype)) throw new RangeError(`unknown sample type ${image.dtype}`);
  const buffer = await server.bytes(image.pixels_url);
  const count = image.rows * image.columns * image.channels;
  return { ...image, dtype: image.dtype, samples: samplesFrom(buffer, image.dtype, count) };
}

export function firstWindow(image: ImageInfo, pixels: Pixels): Window {
  return image.window && image.window.width > 0 ? image.window : autoWindow(pixels);
}

async function loadMask(server: Server, image: ImageInfo, url: string): Promise<Mask> {
  return maskFrom(image.rows, image.columns, new Uint8Array(await server.bytes(url)));
}

/** Fetch and decode everything a case needs. The newer of the journal and the draft wins. */
export async function loadCase(
  server: Server,
  journal: Journal,
  user: number,
  assignment: Assignment,
  amended: Amended | null = null,
): Promise<Case> {
  const { image } = assignment;
  const [pixels, suggestion, kept] = await Promise.all([
    loadPixels(server, image),
    assignment.suggestion ? loadMask(server, image, assignment.suggestion.mask_url) : null,
    journal.get(user, assignment.id),
  ]);
  const start = { assignment, pixels, suggestion, amends: amended?.annotation ?? null };
  const { draft } = assignment;
  if (
    kept &&
    kept.sequence > (draft?.sequence ?? 0) &&
    kept.mask.length === image.rows * image.columns
  ) {
    const mask = maskFrom(image.rows, image.columns, kept.mask.slice());
    return ready(start, mask, "journal", kept.sequence, kept.seconds);
  }
  if (draft) {
    const raw = await gunzip(fromBase64(draft.mask), image.rows * image.columns);
    const mask = maskFrom(image.rows, image.columns, raw);
    return ready(start, mask, "draft", draft.sequence, draft.seconds);
  }
  if (amended) return ready(start, await loadMask(server, image, amended.mask_url), "answer");
  if (assignment.returned) {
    return ready(start, await loadMask(server, image, assignment.returned.mask_url), "returned");
  }
  if (suggestion) {
    return ready(start, { ...suggestion, data: suggestion.data.slice() }, "suggestion");
  }
  return ready(start, emptyMask(image.rows, image.columns), "empty");
}

function ready(
  start: Pick<Case, "assignment" | "pixels" | "suggestion" | "amends">,
  mask: Mask,
  origin: Origin,
  sequence = 0,
  seconds = 0,
): Case {
  return {
    ...start,
    mask,
    origin,
    sequence,
    unsent: origin === "journal",
    history: new History(mask),
    stopwatch: new Stopwatch(seconds),
    grey: greySamples(start.pixels),
  };
}
