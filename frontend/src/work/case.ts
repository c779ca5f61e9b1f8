/** A case ready to be read: decoded pixels, the maps to draw on, their history, where they started. */
import type { Assignment, Findings, ImageInfo, Schemas } from "../api/client";
import { fromBase64, gunzip, unpackMask } from "../domain/codec";
import { History } from "../domain/history";
import { type Mask, maskFrom } from "../domain/mask";
import { makeStack } from "../domain/stack";
import { Stopwatch } from "../domain/stopwatch";
import { autoWindow, isDtype, type Pixels, samplesFrom, type Window } from "../domain/window";
import type { Journal, JournalRecord } from "../journal/journal";
import type { Server } from "./server";
import { type Standing, standingOf } from "./standing";

/** Requests for one case at once. */
const AT_ONCE = 4;

/** Where the drawing that is shown first came from. */
export type Origin = "empty" | "suggestion" | "draft" | "journal" | "returned" | "answer";

/** An earlier answer of the reader's, taken up again to be amended. */
export interface Amended {
  readonly annotation: number;
  readonly mask_url: string;
  readonly findings: Findings;
  readonly unseen: readonly number[];
}

/** One image to draw on: the case's own, or a frame of the series that is read as a whole. */
export interface Slice {
  /** The assignment under which its drawing is kept. */
  readonly assignment: number;
  readonly name: string;
  readonly image: ImageInfo;
  readonly mask: Mask;
  readonly suggestion: Mask | null;
  /** The version that this one corrects. */
  readonly before: Mask | null;
  /** How unsure the model is and where it looked; fetched when they are wanted. */
  readonly maps: readonly Schemas["MapOutput"][];
  readonly origin: Origin;
  /** The sequence of the newest known state of the drawing. */
  readonly sequence: number;
  /** Beside what else is kept of it; its record is the drawing that only the browser has. */
  readonly standing: Standing;
}

export interface Case {
  assignment: Assignment;
  /** Of a lone image, itself. */
  readonly slices: readonly Slice[];
  /** The place of the assignment's own image among the slices. */
  readonly own: number;
  /** All slices, one above the other: what the history is of. */
  readonly stack: Mask;
  readonly history: History;
  /** Answers to the campaign's questions; replaced whole by every answer. */
  findings: Findings;
  /** The classes that the reader has not looked at. */
  unseen: readonly number[];
  /** The annotation that this case, when handed in, is a new version of. */
  readonly amends: number | null;
  readonly stopwatch: Stopwatch;
  /** Of the own image. */
  readonly pixels: Pixels;
}

/** The slice that a case is named after. */
export function ownSlice(work: Case): Slice {
  return work.slices[work.own]!;
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

export async function loadMask(server: Server, image: ImageInfo, url: string): Promise<Mask> {
  return maskFrom(image.rows, image.columns, new Uint8Array(await server.bytes(url)));
}

/** What is drawn on a slice at first, and where it came from. */
interface Start {
  readonly mask: Mask | null;
  readonly origin: Origin;
  readonly findings?: Findings | undefined;
  readonly unseen?: readonly number[] | undefined;
  readonly sequence?: number;
  readonly seconds?: number;
}

type Frame = Pick<Schemas["FrameOutput"], "assignment" | "case" | "image" | "suggestion" | "draft">;

/** Who reads, and in which room: the remainder of its drawings' numbers (see lineage.ts). */
export interface Seat {
  readonly user: number;
  readonly room: number;
}

/** Fetch and decode everything a case needs, all of it at once. */
export async function loadCase(
  server: Server,
  journal: Journal,
  { user, room }: Seat,
  assignment: Assignment,
  amended: Amended | null = null,
): Promise<Case> {
  const [pixels, drawings] = await Promise.all([
    loadPixels(server, assignment.image),
    loadDrawings(server, journal, { user, room }, assignment, amended),
  ]);
  // Sorts the samples now, while the case is fetched ahead, and not when it is to be shown.
  autoWindow(pixels);
  return { assignment, ...drawings, amends: amended?.annotation ?? null, pixels };
}

type Drawings = Omit<Case, "assignment" | "amends" | "pixels">;

/** The drawings of a case: of the journal's and the draft the one that goes back to the other. */
async function loadDrawings(
  server: Server,
  journal: Journal,
  { user, room }: Seat,
  assignment: Assignment,
  amended: Amended | null,
): Promise<Drawings> {
  const frames = framesOf(assignment);
  const { rows, columns } = assignment.image;
  const [ofCase, suggestionOn] = await Promise.all([
    journal.all(user, assignment.id),
    loadSuggestions(server, assignment, frames),
  ]);
  const { stack, slices: masks } = makeStack(rows, columns, frames.length);
  const slices: Slice[] = [];
  let findings: Findings = {};
  let unseen: readonly number[] = [];
  let seconds = 0;
  const kept = async (frame: Frame, place: number) =>
    recordsOf(
      frame,
      place,
      ofCase,
      frame.assignment === assignment.id ? ofCase : await journal.all(user, frame.assignment),
    );
  await inTurns(frames, AT_ONCE, async (frame, place) => {
    const { image, draft } = frame;
    const said = frame.suggestion?.findings ?? {};
    const [suggestion, standing, answer] = await Promise.all([
      suggestionOn(frame),
      kept(frame, place).then((records) => standingOf(records, draft, room)),
      fromAnswer(server, assignment, image, amended),
    ]);
    const first =
      fromJournal(standing.record) ??
      (await fromDraft(draft, image)) ??
      answer ??
      (saysAnything(said) ? fromAnswers(said) : fromNothing(suggestion));
    const mask = masks[place]!;
    if (first.mask) mask.data.set(first.mask.data);
    // Said of the whole: each change is saved with its own image, and the others hold older ones.
    if (frame.assignment === assignment.id) {
      findings = first.findings ?? {};
      unseen = first.unseen ?? [];
    }
    seconds = Math.max(seconds, first.seconds ?? 0);
    slices[place] = {
      assignment: frame.assignment,
      name: String(frame.case),
      image,
      mask,
      suggestion,
      before: answer?.mask ?? null,
      maps: frame.suggestion?.maps ?? [],
      origin: first.origin,
      sequence: first.sequence ?? 0,
      standing,
    };
  });
  return {
    slices,
    own: frames.findIndex((frame) => frame.assignment === assignment.id),
    stack,
    history: new History(stack),
    findings,
    unseen,
    stopwatch: new Stopwatch(seconds),
  };
}

/** Where the model's drawing on a frame is; null where it shows none, or answers questions instead. */
function drawingOf({ suggestion }: Frame): string | null {
  return suggestion && !saysAnything(suggestion.findings) ? suggestion.mask_url : null;
}

function saysAnything(findings: Findings): boolean {
  return Object.keys(findings).length > 0;
}

/** Make ready what the model draws on each frame: of a series all by one request, however long. */
async function loadSuggestions(
  server: Server,
  { id, frames: together }: Assignment,
  frames: readonly Frame[],
): Promise<(frame: Frame) => Promise<Mask> | null> {
  if (together.length === 0) {
    return (frame) => {
      const url = drawingOf(frame);
      return url === null ? null : loadMask(server, frame.image, url);
    };
  }
  if (frames.every((frame) => drawingOf(frame) === null)) return () => null;
  const given = await server.suggestions(id);
  const packed = new Map(given.frames.map(({ assignment, mask }) => [assignment, mask]));
  return (frame) => {
    if (drawingOf(frame) === null) return null;
    const mask = packed.get(frame.assignment);
    if (mask === undefined)
      throw new RangeError(`frame ${frame.assignment} came without its drawing`);
    return unpackMask(mask, frame.image.rows, frame.image.columns);
  };
}

function framesOf(assignment: Assignment): readonly Frame[] {
  if (assignment.frames.length > 0) return assignment.frames;
  const { id, task, image, suggestion, draft } = assignment;
  return [{ assignment: id, case: task.case, image, suggestion, draft }];
}

/** Do an async act for each item, so many at once: a series must not hold up everybody else. */
async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, place: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const turn = async () => {
    for (let place = next++; place < items.length; place = next++) await act(items[place]!, place);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, turn));
}

/** What the journal holds of one frame: its own records, and its parts of series handed in whole. */
function recordsOf(
  { assignment, image }: Frame,
  place: number,
  ofCase: readonly JournalRecord[],
  ofFrame: readonly JournalRecord[],
): JournalRecord[] {
  const size = image.rows * image.columns;
  const parts = ofCase
    .filter(({ frames }) => frames?.[place] === assignment)
    .map(({ lineages, mask, ...whole }) => ({
      ...whole,
      mask: mask.subarray(place * size, (place + 1) * size),
      ...(lineages && { lineages: [lineages[place]!] }),
    }));
  const alone = ofFrame.filter(({ frames }) => !frames);
  return [...parts, ...alone].filter(({ mask }) => mask.length === size);
}

function fromJournal(record: JournalRecord | null): Start | null {
  if (!record) return null;
  const { rows, columns, findings, unseen, sequence, seconds } = record;
  const mask = maskFrom(rows, columns, record.mask);
  return { mask, origin: "journal", findings, unseen, sequence, seconds };
}

async function fromDraft(
  draft: Frame["draft"],
  { rows, columns }: ImageInfo,
): Promise<Start | null> {
  if (!draft) return null;
  const { findings, unseen, sequence, seconds } = draft;
  const mask = maskFrom(rows, columns, await gunzip(fromBase64(draft.mask), rows * columns));
  return { mask, origin: "draft", findings, unseen, sequence, seconds };
}

async function fromAnswer(
  server: Server,
  { returned }: Assignment,
  image: ImageInfo,
  amended: Amended | null,
): Promise<Start | null> {
  const answer = amended ?? returned;
  if (!answer) return null;
  const mask = await loadMask(server, image, answer.mask_url);
  const { findings, unseen } = answer;
  return { mask, origin: amended ? "answer" : "returned", findings, unseen };
}

/** What a model answers where nothing is drawn: the reader looks at each and may change it. */
function fromAnswers(findings: Findings): Start {
  return { mask: null, origin: "suggestion", findings };
}

function fromNothing(suggestion: Mask | null): Start {
  return { mask: suggestion, origin: suggestion ? "suggestion" : "empty" };
}
