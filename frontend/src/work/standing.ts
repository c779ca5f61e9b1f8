/** Which drawing of a slice is taken up, of those that the server and the rooms of this browser keep. */
import type { Assignment, Findings } from "../api/client";
import { unpackMask } from "../domain/codec";
import { holds, type Lineage } from "../domain/lineage";
import { type JournalRecord, roomOf } from "../journal/journal";

type Draft = NonNullable<Assignment["draft"]>;

export interface Standing {
  /** What the journal keeps of the drawing taken up; null: the draft is, if there is one. */
  readonly record: JournalRecord | null;
  readonly lineage: Lineage;
  /** Keys of the records that hold nothing more than the drawing taken up. */
  readonly held: readonly string[];
  /** The same of series handed in: their records are of other slices, too. */
  readonly series: readonly string[];
  /** Other drawings that this browser alone keeps: of windows that were closed before a choice. */
  readonly rivals: readonly JournalRecord[];
  /** The draft on the server is yet another drawing. */
  readonly besideDraft: boolean;
}

/**
 * Find what stands of one slice. A record goes before those that it goes back to, the room's own
 * before those of others, a later one before an earlier one, and the draft before what it goes back
 * to. The records' masks are of the slice alone, and so is the one lineage of each.
 */
export async function standingOf(
  records: readonly JournalRecord[],
  draft: Draft | null,
  room: number,
): Promise<Standing> {
  const sequence = draft?.sequence ?? 0;
  const own = (record: JournalRecord) => (roomOf(record) === room ? 1 : 0);
  const past = heldBy(sequence, records);
  const left = records.filter((record) => !past.has(record));
  const [mine, ...others] = left
    // Not by the clock alone, which may have been put back meanwhile.
    .filter((record) => !left.some((other) => overtakes(other, record)))
    .sort((a, b) => own(b) - own(a) || (b.at ?? 0) - (a.at ?? 0) || b.sequence - a.sequence);
  const upon = mine?.lineages?.[0] ?? { base: sequence, own: [] };
  const lineage = mine ? { ...upon, own: [...upon.own, mine.sequence] } : upon;
  const rivals = others.filter(
    (each) => mine && !holds(lineage, each.sequence) && !alike(each, mine),
  );
  const rest = { ...keysOf(records.filter((record) => !rivals.includes(record))), rivals };
  const same = mine && draft && alike(await drawn(draft, mine), mine);
  if (!mine || same) {
    return { record: null, lineage: { ...lineage, base: sequence }, ...rest, besideDraft: false };
  }
  const besideDraft = !holds(lineage, sequence);
  const base = besideDraft ? lineage.base : sequence;
  return { record: mine, lineage: { ...lineage, base }, ...rest, besideDraft };
}

function keysOf(records: readonly JournalRecord[]): Pick<Standing, "held" | "series"> {
  const held = records.filter(({ frames }) => !frames).map(({ key }) => key);
  const series = records.filter(({ frames }) => frames).map(({ key }) => key);
  return { held, series };
}

/**
 * The records that the draft of this number is a later state of: those of its own room, and those
 * that these go back to. A room that took up another one's drawing has it in its draft, too.
 */
function heldBy(sequence: number, records: readonly JournalRecord[]): Set<JournalRecord> {
  const past = new Set<JournalRecord>();
  const known: Lineage[] = sequence > 0 ? [{ base: 0, own: [sequence] }] : [];
  const isPast = (record: JournalRecord) =>
    record.lineages
      ? known.some((lineage) => holds(lineage, record.sequence))
      : record.sequence <= sequence;
  let found: JournalRecord[];
  do {
    found = records.filter((record) => !past.has(record) && isPast(record));
    for (const record of found) {
      past.add(record);
      known.push(...(record.lineages ?? []));
    }
  } while (found.length > 0);
  return past;
}

/** Whether a record is a later state of another one's drawing. */
function overtakes(one: JournalRecord, other: JournalRecord): boolean {
  const goesBack = (from: JournalRecord, to: JournalRecord) =>
    from.lineages?.some((lineage) => holds(lineage, to.sequence)) ?? false;
  return goesBack(one, other) && !goesBack(other, one);
}

interface Said {
  readonly mask: Uint8Array;
  readonly findings?: Findings;
  readonly unseen?: readonly number[];
}

async function drawn(draft: Draft, { rows, columns }: JournalRecord): Promise<Said> {
  const { data } = await unpackMask(draft.mask, rows, columns);
  return { ...draft, mask: data };
}

/** Whether two say the same, whoever drew it. */
function alike(one: Said, other: Said): boolean {
  const words = ({ findings = {}, unseen = [] }: Said) =>
    JSON.stringify([Object.entries(findings).sort(), [...unseen].sort()]);
  return (
    one.mask.length === other.mask.length &&
    one.mask.every((value, i) => value === other.mask[i]) &&
    words(one) === words(other)
  );
}
