/** The workstation's server where there is none: samples drawn by a formula, and nothing is sent. */
import type { Assignment, ImageInfo, LabelClass, Schemas, Series } from "../../api/client";
import { t } from "../../i18n";
import type { Server } from "../../work/server";
import { SAMPLES, SIZE, SLICES, slicePixels, suggestedMask } from "./phantom";

const OWN = (SLICES - 1) / 2;
const HOUR = 3_600_000;

export const sampleClasses = (): LabelClass[] => [
  { index: 1, name: t("tour.class.lesion"), colour: "#E69F00", retired: false },
  { index: 2, name: t("tour.class.fluid"), colour: "#56B4E9", retired: false },
];

const AXES = { right: "L", down: "P" };

function image(sample: number, index: number): ImageInfo {
  return {
    id: sample * SLICES + index + 1,
    series: sample,
    index,
    rows: SIZE,
    columns: SIZE,
    channels: 1,
    dtype: "uint16",
    bits: 12,
    slope: 1,
    intercept: 0,
    photometric: "MONOCHROME2",
    spacing: [1, 1],
    axes: AXES,
    window: { center: 1900, width: 3400 },
    modality: "MR",
    patient_key: t("tour.sampleCase"),
    pixels_url: `pixels/${sample}/${index}`,
    thumbnail_url: "",
    sha256: "",
  };
}

function fresh(bytes: Uint8Array | Uint16Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}

/** Keeps what is drawn in memory as long as the page lives. Every case comes round again. */
export class SampleServer implements Server {
  private next = 0;
  private readonly held = new Map<"current" | "next", Assignment>();
  private readonly known = new Map<number, Assignment>();

  lease(_: string, slot: "current" | "next"): Promise<Assignment> {
    const ahead = this.held.get("next");
    const found = this.held.get(slot) ?? (slot === "current" && ahead ? ahead : this.made(slot));
    if (slot === "current" && found === ahead) this.held.delete("next");
    this.held.set(slot, found);
    this.known.set(found.id, found);
    return Promise.resolve(found);
  }

  private made(slot: "current" | "next"): Assignment {
    const id = ++this.next;
    const sample = (id - 1) % SAMPLES;
    return {
      id,
      campaign: "",
      slot,
      state: "held",
      token: crypto.randomUUID(),
      round: 1,
      leased_until: new Date(Date.now() + HOUR).toISOString(),
      server_time: new Date().toISOString(),
      task: { id, state: "reading", case: id },
      image: image(sample, OWN),
      series: { id: sample, index: OWN, count: SLICES },
      why: {
        share: "order",
        strategy: null,
        score: null,
        rank: null,
        place: null,
        of: null,
        model_number: null,
        scored_at: null,
      },
      suggestion: { id, model_number: 1, mask_url: `suggestion/${sample}`, findings: {}, maps: [] },
      draft: null,
      returned: null,
      frames: [],
    };
  }

  assignment(id: number): Promise<Assignment> {
    const found = this.known.get(id);
    return found ? Promise.resolve(found) : Promise.reject(new RangeError(`no sample ${id}`));
  }

  renew(): Promise<Schemas["RenewOutput"]> {
    const now = Date.now();
    return Promise.resolve({
      leased_until: new Date(now + HOUR).toISOString(),
      server_time: new Date(now).toISOString(),
    });
  }

  release(id: number): Promise<void> {
    this.done(id);
    return Promise.resolve();
  }

  draft(_: number, { sequence }: Schemas["DraftInputRequest"]): Promise<Schemas["DraftSaved"]> {
    return Promise.resolve({ sequence, saved_at: new Date().toISOString() });
  }

  submit(id: number): Promise<Schemas["SubmitOutput"]> {
    this.done(id);
    return Promise.resolve({ annotation: id, mask_sha256: "", task_state: "settled" });
  }

  private done(id: number): void {
    for (const [slot, { id: held }] of this.held) if (held === id) this.held.delete(slot);
  }

  suggestions(): Promise<never> {
    return Promise.reject(new RangeError("samples are read one by one"));
  }

  submitSeries(): Promise<never> {
    return Promise.reject(new RangeError("samples are handed in one by one"));
  }

  recent(): Promise<[]> {
    return Promise.resolve([]);
  }

  amend(): Promise<never> {
    return Promise.reject(new RangeError("samples are not kept"));
  }

  maps(): ReturnType<Server["maps"]> {
    return Promise.resolve({ asked: false, maps: [] });
  }

  series(id: number): Promise<Series> {
    return Promise.resolve({
      id,
      modality: "MR",
      count: SLICES,
      spacing_between: 4,
      affine: [
        [-1, 0, 0, SIZE / 2],
        [0, -1, 0, SIZE / 2],
        [0, 0, 4, -4 * OWN],
        [0, 0, 0, 1],
      ],
      frames: Array.from({ length: SLICES }, (_, index) => image(id, index)),
    });
  }

  bytes(url: string): Promise<ArrayBuffer> {
    const [kind, sample, index] = url.split("/");
    return Promise.resolve(
      fresh(
        kind === "pixels"
          ? slicePixels(Number(sample), Number(index))
          : suggestedMask(Number(sample)),
      ),
    );
  }
}
