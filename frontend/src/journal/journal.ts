/**
 * The journal of unsent work, in IndexedDB: every change of a mask is kept in the browser until the
 * server has acknowledged it. One record an assignment, reader and reading room, so that no window
 * writes over what another one keeps; raw bytes are stored, so that a record can be written at
 * once, without waiting for compression, even as the page closes.
 */
import type { Findings } from "../api/client";
import type { Lineage } from "../domain/lineage";

export interface JournalRecord {
  /** See `journalKey`; `${user}:${assignment}` in records of before rooms had their own. */
  readonly key: string;
  readonly user: number;
  readonly assignment: number;
  readonly campaign: string;
  readonly caseName: string;
  readonly token: string;
  readonly rows: number;
  readonly columns: number;
  readonly mask: Uint8Array;
  /** Missing in records of before there were questions. */
  readonly findings?: Findings;
  readonly unseen?: readonly number[];
  /** Grows with every change. */
  readonly sequence: number;
  /** What the drawing goes back to, of a series frame by frame; missing in records of before. */
  readonly lineages?: readonly Lineage[];
  /** When it was last drawn on, or handed in (ms); missing in records of before. */
  readonly at?: number;
  readonly seconds: number;
  /** Set once the reader submitted: the idempotency key the submission is sent with. */
  readonly submitKey: string | null;
  /** Of a series handed in whole: the assignments of its frames, whose masks follow in `mask`. */
  readonly frames?: readonly number[];
  /** Why the server did not take a submission: it is sent again only when the reader says so. */
  readonly refused?: { readonly code: string; readonly message: string } | null;
  /** The annotation that this work is a new version of; null or missing: a first answer. */
  readonly amends?: number | null;
}

export interface Journal {
  /** Whether the last work put here would outlive the page. */
  readonly durable: boolean;
  put(record: JournalRecord): Promise<void>;
  get(key: string): Promise<JournalRecord | null>;
  /** What all rooms keep of an assignment. */
  all(user: number, assignment: number): Promise<JournalRecord[]>;
  /** The submissions of this reader, in one campaign or in all, that the server has not acknowledged. */
  unsent(user: number, campaign?: string): Promise<JournalRecord[]>;
  remove(key: string): Promise<void>;
}

const STORE = "work";

/** A room is known by the remainder of its numbers. */
export function journalKey(user: number, assignment: number, room: number): string {
  return `${user}:${assignment}:${room}`;
}

/** The room that keeps a record; NaN where it is of before rooms had their own. */
export function roomOf({ key }: JournalRecord): number {
  return Number(key.split(":")[2]);
}

function isOf(record: JournalRecord, user: number, assignment: number): boolean {
  return record.user === user && record.assignment === assignment;
}

function isUnsent(record: JournalRecord, user: number, campaign?: string): boolean {
  const here = campaign === undefined || record.campaign === campaign;
  return here && record.user === user && record.submitKey !== null;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
  return done(request);
}

/** Open the journal. Where the browser refuses IndexedDB, work is held in memory only. */
export async function openJournal(name = "reticle"): Promise<Journal> {
  try {
    return new StoredJournal(name, await open(name));
  } catch {
    return new MemoryJournal();
  }
}

class StoredJournal implements Journal {
  private kept = true;

  constructor(
    private readonly name: string,
    private database: IDBDatabase,
  ) {}

  get durable(): boolean {
    return this.kept;
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(STORE, mode, { durability: "relaxed" }).objectStore(STORE);
  }

  async put(record: JournalRecord): Promise<void> {
    try {
      await this.write(record);
      this.kept = true;
    } catch (error) {
      this.kept = false;
      throw error;
    }
  }

  private async write(record: JournalRecord): Promise<void> {
    try {
      await this.writeNow(record);
    } catch (error) {
      // A tablet closes the database of a page that was long in the background.
      if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
      this.database = await open(this.name);
      await this.writeNow(record);
    }
  }

  private async writeNow(record: JournalRecord): Promise<void> {
    const store = this.store("readwrite");
    const put = done(store.put(record));
    // At once: a page that ends before it hears of the put would take the record with it.
    store.transaction.commit();
    await put;
  }

  async get(key: string): Promise<JournalRecord | null> {
    const found = await done(this.store("readonly").get(key));
    return (found as JournalRecord | undefined) ?? null;
  }

  async all(user: number, assignment: number): Promise<JournalRecord[]> {
    const from = `${user}:${assignment}`;
    // Some keys of longer numbers lie between these, too.
    const range = IDBKeyRange.bound(from, `${from}:\uffff`);
    const found = (await done(this.store("readonly").getAll(range))) as JournalRecord[];
    return found.filter((record) => isOf(record, user, assignment));
  }

  async unsent(user: number, campaign?: string): Promise<JournalRecord[]> {
    const all = (await done(this.store("readonly").getAll())) as JournalRecord[];
    return all.filter((record) => isUnsent(record, user, campaign));
  }

  async remove(key: string): Promise<void> {
    await done(this.store("readwrite").delete(key));
  }
}

/** The same without storage: lost when the page closes. */
export class MemoryJournal implements Journal {
  readonly durable = false;
  private readonly records = new Map<string, JournalRecord>();

  async put(record: JournalRecord): Promise<void> {
    this.records.set(record.key, { ...record, mask: record.mask.slice() });
  }

  async get(key: string): Promise<JournalRecord | null> {
    return this.records.get(key) ?? null;
  }

  async all(user: number, assignment: number): Promise<JournalRecord[]> {
    return [...this.records.values()].filter((record) => isOf(record, user, assignment));
  }

  async unsent(user: number, campaign?: string): Promise<JournalRecord[]> {
    return [...this.records.values()].filter((record) => isUnsent(record, user, campaign));
  }

  async remove(key: string): Promise<void> {
    this.records.delete(key);
  }
}
