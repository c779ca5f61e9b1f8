// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import {
  act,
  cleanup,
  fireEvent,
  render,
  renderHook,
  screen,
  within,
} from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { action } from "../../actions/actions";
import { listen } from "../../actions/keys";
import type { Findings, Question } from "../../api/client";
import { packPixels } from "../../domain/codec";
import { type JournalRecord, MemoryJournal } from "../../journal/journal";
import { Surface } from "../../viewer/surface";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import { BottomBar } from "./bottom";
import { useLeaveGuard } from "./hooks";
import { Notices } from "./notices";
import { Options, ValueRange } from "./options";
import { SidePanel } from "./panel";
import { Questions } from "./questions";
import { Sheets } from "./sheets";
import { Context, Failed } from "./stage";

let server: FakeServer;
let station: Workstation;
let stop: () => void;

beforeEach(async () => {
  server = new FakeServer(4);
  station = new Workstation(new Reading("c", 7, server, new MemoryJournal()), server);
  await station.reading.start();
  stop = listen(station);
});
afterEach(() => {
  cleanup();
  stop();
  station.close();
  station.reading.close();
});

function show(part: ReactNode): void {
  render(<MantineProvider>{part}</MantineProvider>);
}

const task = () => station.reading.store.get().work?.assignment.task.id;
const seen = () =>
  vi.waitFor(() => expect(station.seen).toBe(true), { timeout: 30_000, interval: 10 });
const submit = () => screen.getByRole("button", { name: /Submit/ });

describe("a case that cannot be loaded", () => {
  it("can be skipped where it should be seen", async () => {
    const { reading } = station;
    const { assignment } = reading.store.get().work!;
    reading.store.set({ work: null, phase: "failed", broken: assignment });
    show(<Failed station={station} />);
    fireEvent.click(screen.getByRole("button", { name: "Skip this case" }));
    await vi.waitFor(() => expect(server.rows.get(assignment.id)?.state).toBe("skipped"));
  });
});

describe("skipping", () => {
  const { click } = fireEvent;
  // Without a layout the library takes what the popover hangs on for hidden, and it with that.
  const all = { hidden: true };
  const dialog = () => screen.findByRole("dialog", all);
  const radio = (name: string) => screen.getByRole("radio", { name, ...all });
  const press = async (name: string) =>
    click(within(await dialog()).getByRole("button", { name, ...all }));
  const state = () => server.rows.get(101)?.state;
  const told = () => screen.queryByRole("alert", all)?.textContent;

  beforeEach(() => {
    show(<BottomBar station={station} sample />);
    click(screen.getByRole("button", { name: "Skip case" }));
  });

  it("needs a reason: none is chosen beforehand, and what lacks is said", async () => {
    const radios = within(await dialog()).getAllByRole<HTMLInputElement>("radio", all);
    expect(radios.map(({ checked }) => checked)).toEqual([false, false, false, false]);
    await press("Skip this case");
    expect(told()).toBe("Choose why you skip this case.");
    click(radio("Another reason"));
    expect(told()).toBeUndefined();
    await press("Skip this case");
    expect(told()).toBe("Write down your reason.");
    expect([task(), state()]).toEqual([1, "held"]);
    click(radio("I am not sure"));
    await press("Skip this case");
    await vi.waitFor(() => expect(state()).toBe("skipped"));
  });

  it.each(["Cancel", "Escape"])("is left by %s, and the case stays", async (way) => {
    if (way === "Cancel") await press("Cancel");
    else fireEvent.keyDown(await dialog(), { key: "Escape" });
    await vi.waitFor(() => expect(screen.queryByRole("dialog", all)).toBeNull());
    expect([task(), state(), station.ui.get().ask]).toEqual([1, "held", null]);
  });
});

describe("turning the image", () => {
  let unmount: () => void;
  beforeEach(() => {
    vi.stubGlobal("ImageData", class {});
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
    station.setForm([{ index: 1, name: "Tumour", colour: "#ff0000", retired: false }], []);
    unmount = station.mount(document.createElement("div"));
  });
  afterEach(() => {
    unmount();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
  const press = (...places: [number, number][]) => {
    for (const [x, y] of places) {
      station.tool.down(station, { image: { x, y }, screen: { x, y } });
    }
  };
  const turn = () => action("turn").perform(station);

  it.each(["polygon", "livewire"] as const)("leaves an open %s as it is", (tool) => {
    station.choose(tool);
    press([1, 1], [6, 1], [6, 6]);
    const before = station.tool.preview();
    turn();
    expect(station.view.turn).toBe(1);
    expect(station.tool.preview()).toEqual(before);
    expect(before?.points.length).toBeGreaterThanOrEqual(3);
  });

  it("ends what is being dragged", () => {
    station.choose("rectangle");
    press([1, 1]);
    turn();
    expect([station.view.turn, station.tool.busy]).toEqual([1, false]);
  });
});

describe("room that the image loses, as to a notice", () => {
  let unmount: () => void;
  const host = document.createElement("div");
  const room = (height: number) => {
    host.getBoundingClientRect = () => new DOMRect(0, 0, 400, height);
    window.dispatchEvent(new Event("resize"));
  };
  const press = (what: "pointerdown" | "pointerup", at = { clientX: 200, clientY: 200 }) =>
    host.dispatchEvent(new MouseEvent(what, { ...at, bubbles: true, cancelable: true }));
  const rows = () => station.slice!.image.rows;
  /** Whether the whole image is in sight, at its middle. */
  const whole = (height: number) => {
    const { top, scale } = station.view;
    return [top >= 0, Math.abs(top + (rows() * scale) / 2 - height / 2) < 0.5];
  };
  beforeEach(() => {
    vi.stubGlobal("ImageData", class {});
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
    host.setPointerCapture = () => undefined;
    station.setForm([{ index: 1, name: "Tumour", colour: "#ff0000", retired: false }], []);
    room(400);
    unmount = station.mount(host);
  });
  afterEach(() => {
    unmount();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  it("is taken from it at once while nothing is drawn", () => {
    expect(whole(400)).toEqual([true, true]);
    room(340);
    expect(whole(340)).toEqual([true, true]);
  });

  it.each(["brush", "polygon"] as const)("moves nothing under a %s at work", (tool) => {
    station.choose(tool);
    press("pointerdown");
    if (tool === "polygon") press("pointerup");
    const { view } = station;
    room(340);
    expect(station.view).toEqual(view);
    if (tool === "polygon") station.cancel();
    else press("pointerup");
    expect(whole(340)).toEqual([true, true]);
  });

  it("is not taken from an image that was zoomed", () => {
    station.view = { ...station.view, scale: 2 * station.view.scale };
    const { view } = station;
    press("pointerdown");
    room(340);
    press("pointerup");
    expect(station.view).toEqual(view);
  });
});

describe("a case that was taken away", () => {
  it.each(["lease_lost", "already_submitted", "skipped", "campaign_closed"])(
    "(%s) says that what was drawn is kept where something was",
    (code) => {
      show(<Notices station={station} />);
      const { store } = station.reading;
      act(() => store.set({ lost: code, save: { kind: "clean" } }));
      expect(screen.getByRole("alert").textContent).not.toContain("drew");
      act(() => store.set({ save: { kind: "saved", at: 0 } }));
      expect(screen.getByRole("alert").textContent).toMatch(
        /What you drew.* is kept as your draft/,
      );
    },
  );
});

describe("a submission that was not taken and lies in this browser alone", () => {
  const refuse = (durable = true) => {
    vi.spyOn(station.reading, "durable", "get").mockReturnValue(durable);
    const record = { assignment: 55, caseName: "412" } as JournalRecord;
    const refusal = { record, kept: true, code: "forbidden", message: "You are no reader." };
    station.reading.store.set({ refusals: [refusal] });
    station.ui.set({ lacking: [] });
    show(<Notices station={station} />);
    const where = durable ? "in this browser alone" : "on this page alone";
    expect(screen.getByRole("alert").textContent).toContain(where);
  };
  const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

  it("can be sent again", () => {
    refuse();
    const resend = vi.spyOn(station.reading, "resend").mockResolvedValue();
    press("Send it again");
    expect(resend).toHaveBeenCalledOnce();
  });

  it("is discarded only after it was asked once more", async () => {
    refuse();
    const discard = vi.spyOn(station.reading, "discard").mockResolvedValue();
    press("Discard it");
    const dialog = await screen.findByRole("dialog", { name: /Discard your work on case 412/ });
    expect(discard).not.toHaveBeenCalled();
    fireEvent.click(within(dialog).getByRole("button", { name: "Discard it" }));
    expect(discard).toHaveBeenCalledOnce();
  });

  it("can be left for later", () => {
    refuse();
    press("Decide later");
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("keeps a page open whose browser keeps nothing", () => {
    refuse(false);
    expect(screen.queryByRole("button", { name: "Decide later" })).toBeNull();
    renderHook(() => useLeaveGuard(station));
    const leave = () => fireEvent(window, new Event("beforeunload", { cancelable: true }));
    expect(leave()).toBe(false);
    station.reading.dismiss();
    expect(leave()).toBe(true);
    // Two windows' drawings wait for a choice, and one of them is here alone.
    station.reading.store.set({ save: { kind: "stale" } });
    expect(leave()).toBe(false);
  });

  it("is not decided on by the second click of a double click on the one before", () => {
    refuse();
    fireEvent.click(screen.getByRole("button", { name: "Decide later" }), { detail: 2 });
    expect(screen.getByRole("alert").textContent).toContain("412");
  });
});

describe("newer work of another window", () => {
  it("takes the place of this window's only after it was asked once more", async () => {
    station.reading.store.set({ save: { kind: "stale" } });
    show(<Notices station={station} />);
    const take = vi.spyOn(station.reading, "takeTheirs").mockResolvedValue();
    fireEvent.click(screen.getByRole("button", { name: "Take the other one" }));
    const dialog = await screen.findByRole("dialog", { name: "Drop this window's drawing?" });
    expect(take).not.toHaveBeenCalled();
    fireEvent.click(within(dialog).getByRole("button", { name: "Drop this window's drawing" }));
    expect(take).toHaveBeenCalledOnce();
  });

  it("is dropped only after it was asked once more", async () => {
    station.reading.store.set({ save: { kind: "stale" } });
    show(<Notices station={station} />);
    const keep = vi.spyOn(station.reading, "keepMine").mockImplementation(() => undefined);
    fireEvent.click(screen.getByRole("button", { name: "Keep this drawing" }));
    const dialog = await screen.findByRole("dialog", { name: "Drop the other window's drawing?" });
    expect(keep).not.toHaveBeenCalled();
    const drop = { name: "Drop the other window's drawing" };
    fireEvent.click(within(dialog).getByRole("button", drop));
    expect(keep).toHaveBeenCalledOnce();
  });

  it("is shown beside this window's before one of them is dropped, with when each was made", async () => {
    vi.stubGlobal(
      "ImageData",
      class {
        readonly data: Uint8ClampedArray;
        constructor(width: number, height: number) {
          this.data = new Uint8ClampedArray(4 * width * height);
        }
      },
    );
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
    const shown = vi.spyOn(Surface.prototype, "showMask");
    const theirs = { ...station.mask, data: station.mask.data.map(() => 2) };
    const draft = {
      mask: await packPixels(theirs.data),
      findings: {},
      unseen: [],
      seconds: 0,
      saved_at: "2026-01-02T12:00:00Z",
      sequence: 50,
    };
    server.rows.get(101)!.draft = draft;
    station.setForm([{ index: 1, name: "grey", colour: "#E69F00", retired: false }], []);
    station.drawing.edit((mask) => {
      mask.data[0] = 1;
      return { x0: 0, y0: 0, x1: 1, y1: 1 };
    });
    const save = () => station.reading.store.get().save.kind;
    await vi.waitFor(() => expect(save()).toBe("stale"), { timeout: 8000 });
    show(<Notices station={station} />);
    fireEvent.click(screen.getByRole("button", { name: "Keep this drawing" }));
    const [mine, other] = await screen.findAllByRole("figure");
    expect(mine?.textContent).toMatch(/This window.*changed/);
    expect(other?.textContent).toMatch(/The other window.*saved Jan 2, 2026/);
    expect(shown.mock.calls.map(([mask]) => mask)).toEqual([station.mask, theirs]);
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  }, 20_000);
});

describe("a part of the case that could not be fetched", () => {
  it("is named, with the way to fetch it and the way on", () => {
    station.ui.set({ lacking: ["series", "map"] });
    const again = vi.spyOn(station, "again").mockImplementation(() => undefined);
    show(<Notices station={station} />);
    expect(screen.getByRole("alert").textContent).toContain("other slices");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(again).toHaveBeenCalledWith("series");
    fireEvent.click(screen.getByRole("button", { name: "Go on without" }));
    expect(screen.getByRole("alert").textContent).toContain("map");
    fireEvent.click(screen.getByRole("button", { name: "Go on without" }));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("cannot be gone on without where all slices are handed in together", () => {
    station.ui.set({ lacking: ["series"], slices: 3 });
    show(<Notices station={station} />);
    expect(screen.getByRole("alert").textContent).toContain("only one can be seen");
    expect(screen.queryByRole("button", { name: "Go on without" })).toBeNull();
  });
});

describe("a map that could not be fetched before the series", () => {
  it("is said to lack, not the slices that are on their way", () => {
    station.ui.set({ lacking: ["map"], slices: 3 });
    show(<Notices station={station} />);
    expect(screen.getByRole("alert").textContent).toContain("map");
    screen.getByRole("button", { name: "Go on without" });
  });
});

describe("the range of the threshold brush", () => {
  const bound = (name: RegExp) => screen.getByRole<HTMLInputElement>("textbox", { name });
  const type = (field: HTMLElement, value: string) =>
    fireEvent.change(field, { target: { value } });
  const range = () => station.ui.get().range;

  beforeEach(() => {
    station.pen.setRange(50, 200);
    show(<ValueRange station={station} />);
  });

  it("takes a number once it is typed to its end", () => {
    for (const so of ["1", "15", "150"]) type(bound(/high/i), so);
    expect(range()).toEqual([50, 200]);
    fireEvent.blur(bound(/high/i));
    expect(range()).toEqual([50, 150]);
    for (const so of ["6", "60"]) type(bound(/low/i), so);
    fireEvent.keyDown(bound(/low/i), { key: "Enter" });
    expect(range()).toEqual([60, 150]);
  });

  it("is shown with thousands marked, and where each end lies", () => {
    act(() => station.pen.setRange(-1024, 25_100.5));
    expect([bound(/low/i), bound(/high/i)].map((end) => [end.title, end.value])).toEqual([
      ["Lowest value painted", "-1,024"],
      ["Highest value painted", "25,101"],
    ]);
    expect([screen.getByText("≥"), screen.getByText("≤")].every((sign) => sign.ariaHidden)).toBe(
      true,
    );
    fireEvent.blur(bound(/high/i));
    expect(range()).toEqual([-1024, 25_100.5]); // shown shorter, not changed
    type(bound(/high/i), "30,000");
    fireEvent.blur(bound(/high/i));
    expect(range()).toEqual([-1024, 30_000]);
  });

  it("stays when nothing is typed", () => {
    type(bound(/low/i), "");
    fireEvent.blur(bound(/low/i));
    expect(range()).toEqual([50, 200]);
    expect(bound(/low/i)).toHaveProperty("value", "50");
  });
});

describe("the number keys", () => {
  const ask = (name: string, options: string[]): Question => ({
    name,
    text: name,
    kind: "single",
    options,
    retired: false,
    required: true,
  });
  const press = (digit: number, repeat = false) =>
    fireEvent.keyDown(document.body, { key: String(digit), code: `Digit${digit}`, repeat });
  const said = () => station.ui.get().findings;

  beforeEach(() => station.setForm([], [ask("lesion", ["yes", "no"]), ask("side", ["left"])]));

  it("answer one question a press, however long it lasts", () => {
    press(1);
    press(1, true);
    expect(said()).toEqual({ lesion: "yes" });
    press(1);
    expect(said()).toEqual({ lesion: "yes", side: "left" });
  });

  it("do what else they do where the question at hand has no such choice", () => {
    const fit = vi.spyOn(station.optics, "fit");
    press(0);
    expect(fit).toHaveBeenCalledOnce();
    press(2);
    expect(fit).toHaveBeenCalledOnce();
    expect(said()).toEqual({ lesion: "no" });
  });

  it("say with 0 that none of several fits, and go on to the next question", () => {
    const signs = { ...ask("signs", ["oedema", "shift"]), kind: "multiple" } as const;
    station.setForm([], [signs, ask("side", ["left"])]);
    show(<Questions station={station} />);
    const none = () => screen.getByRole("checkbox", { name: "None of these" });
    press(2);
    press(2);
    expect(said()).toEqual({});
    expect(station.form.complete()).toBe(false);
    press(0);
    expect([said(), none().getAttribute("aria-checked")]).toEqual([{ signs: [] }, "true"]);
    press(1);
    expect(said()).toEqual({ signs: [], side: "left" });
    expect(station.form.complete()).toBe(true);
    fireEvent.click(none());
    expect(said()).toEqual({ side: "left" });
  });

  const suggest = (findings: Findings) => {
    const work = station.reading.store.get().work!;
    const suggestion = { id: 1, model_number: 2, mask_url: "", findings, maps: [] };
    const assignment = { ...work.assignment, suggestion };
    station.reading.store.set({ work: { ...work, assignment } });
  };

  it("say in a word what the model had suggested on a scale", () => {
    const quality = { ...ask("quality", []), kind: "scale", low: 1, high: 5 } as const;
    station.setForm([], [quality, { ...quality, name: "noise" }]);
    suggest({ quality: 4 });
    show(<Questions station={station} />);
    expect(screen.getAllByText(/suggested: /).map((word) => word.textContent)).toEqual([
      "suggested: 4",
    ]);
  });

  it("leave in sight what the model had suggested", () => {
    suggest({ lesion: "yes" });
    show(<Questions station={station} />);
    press(2);
    const option = (name: string) => screen.getByRole("radio", { name });
    expect(option("no").getAttribute("aria-checked")).toBe("true");
    const described = option("yes").getAttribute("aria-describedby");
    expect(document.getElementById(described!)?.textContent).toBe("suggested");
    expect(option("no").hasAttribute("aria-describedby")).toBe(false);
  });
});

describe("another class", () => {
  const named = ["grey", "white", "lesion"].map((name, i) => ({
    index: i + 1,
    name,
    colour: "#E69F00",
    retired: false,
  }));
  const press = (key: string, more = {}) => fireEvent.keyDown(document.body, { key, ...more });
  const count = (label: number) => station.mask.data.filter((value) => value === label).length;

  beforeEach(() => {
    station.setForm(named, []);
    station.setLabel(1);
    station.drawing.edit((mask) => {
      mask.data.set([1, 1, 1, 2, 2]);
      return { x0: 0, y0: 0, x1: mask.columns, y1: mask.rows };
    });
    show(
      <MemoryRouter>
        <Sheets station={station} sample={false} />
      </MemoryRouter>,
    );
  });

  it("is asked for by a key, and named by its own: what was drawn becomes that", async () => {
    press("e", { ctrlKey: true, shiftKey: true });
    const dialog = await screen.findByRole("dialog", { name: "Change grey into" });
    fireEvent.keyDown(dialog, { key: "3" });
    expect([count(1), count(2), count(3)]).toEqual([0, 2, 3]);
    expect(station.ui.get().ask).toBeNull();
    station.drawing.undo();
    expect([count(1), count(2), count(3)]).toEqual([3, 2, 0]);
  });

  it("changes places with the one at hand, but for a protected one", async () => {
    station.pen.toggleLock(3);
    press("e", { ctrlKey: true });
    const dialog = await screen.findByRole("dialog", { name: "Swap grey with" });
    expect(within(dialog).queryByRole("button", { name: /lesion/ })).toBeNull();
    fireEvent.keyDown(dialog, { key: "3" });
    expect(count(1)).toBe(3);
    fireEvent.click(within(dialog).getByRole("button", { name: /white/ }));
    expect([count(1), count(2)]).toEqual([2, 3]);
  });
});

describe("a map of the model's", () => {
  const grey = { index: 1, name: "grey", colour: "#E69F00", retired: false };

  it("that is missing is off, and the reason stands in the place of its scale", () => {
    station.setForm([grey, { ...grey, index: 2, name: "white" }], []);
    const map = { kind: "explanation", class_index: 1, question: "", option: "", url: "map" };
    Object.assign(station.slice!, { maps: [map] });
    const look = (name: string) =>
      screen.getByRole<HTMLInputElement>("switch", { name: `Where it looked for ${name}` });
    const scale = () => screen.queryByText("much") !== null;
    station.setLabel(1);
    station.maps.choose("explanation");
    show(<SidePanel station={station} />);
    expect([look("grey").checked, look("grey").disabled, scale()]).toEqual([true, false, true]);
    cleanup();
    station.setLabel(2);
    show(<SidePanel station={station} />);
    expect([look("white").checked, look("white").disabled, scale()]).toEqual([false, true, false]);
    screen.getByText("There is none for white.");
  });

  it("has labels outlined over it, as the panel says while it lies there", () => {
    const pressed = () =>
      ["Outline", "Hidden", /^Filled/].map(
        (name) => screen.getByRole("button", { name }).ariaPressed,
      );
    station.setForm([grey], []);
    show(<SidePanel station={station} />);
    expect(pressed()).toEqual(["false", "false", "true"]);
    act(() => station.ui.set({ mapped: true }));
    expect(pressed()).toEqual(["true", "false", "false"]);
    fireEvent.click(screen.getByRole("button", { name: /^Filled: not over a map/ }));
    fireEvent.click(screen.getByRole("button", { name: "Hidden" }));
    expect(pressed()).toEqual(["false", "true", "false"]);
    act(() => station.ui.set({ look: "filled", mapped: false }));
    expect(pressed()).toEqual(["false", "false", "true"]);
  });
});

describe("the panel folded away", () => {
  it("leaves the class at hand in sight, which opens it again", () => {
    const grey = { index: 1, name: "grey", colour: "#E69F00", retired: false };
    station.setForm([grey, { ...grey, index: 2, name: "white" }], []);
    show(<Options station={station} />);
    const chip = (name: string) =>
      screen.queryByRole("button", { name: `Drawing ${name}: show all classes` });
    expect(chip("grey")).toBeNull();
    station.ui.set({ panel: false });
    station.setLabel(2);
    cleanup();
    show(<Options station={station} />);
    expect(chip("white")?.textContent).toBe("2white");
    fireEvent.click(chip("white")!);
    expect(station.ui.get().panel).toBe(true);
  });
});

describe("the palette's list", () => {
  it("has window presets, which fit CT alone, and what was not looked at", () => {
    const lung = action("preset-lung");
    expect(lung.enabled(station, station.ui.get())).toBe(false);
    Object.assign(station.assignment!.image, { modality: "CT" });
    expect(lung.enabled(station, station.ui.get())).toBe(true);
    lung.perform(station);
    expect(station.window).toMatchObject({ center: -600, width: 1500 });
    station.setForm([{ index: 1, name: "grey", colour: "#E69F00", retired: false }], []);
    action("unseen").perform(station);
    expect([...station.ui.get().unseen]).toEqual([1]);
  });
});

describe("what is out of sight", () => {
  const grey = { index: 1, name: "grey", colour: "#E69F00", retired: false };
  const white = { ...grey, index: 2, name: "white" };
  const press = (key: string, more = {}) => fireEvent.keyDown(document.body, { key, ...more });
  const ui = () => station.ui.get();

  beforeEach(() => station.setForm([grey, white], []));

  it("is not drawn on: labels by key filled, outlined, hidden", () => {
    const looks = [1, 2, 3].map(() => {
      press(";");
      return [ui().look, station.drawable];
    });
    expect(looks).toEqual([
      ["outlined", true],
      ["hidden", false],
      ["filled", true],
    ]);
  });

  it("is a class by key, and no act of drawing on another changes it", () => {
    station.mask.data.fill(2, 0, 8);
    station.setLabel(2);
    press("/");
    expect([station.drawable, station.pen.free]).toEqual([false, false]);
    station.setLabel(1);
    expect(station.drawable).toBe(true);
    const ink = station.ink("draw");
    expect([ink.over[0], ink.over[2], station.ink("erase").over[2]]).toEqual([1, 0, 0]);
    station.drawing.clearAll();
    expect(station.mask.data.includes(2)).toBe(true);
    station.setLabel(2);
    press("/");
    expect(station.drawable).toBe(true);
  });

  it("stays in sight while something is drawn", () => {
    const spot = { image: { x: 1, y: 1 }, screen: { x: 1, y: 1 } };
    station.tool.down(station, spot);
    press("/");
    press(";");
    expect([ui().unshown.size, ui().look]).toEqual([0, "outlined"]);
    press(";");
    expect(ui().look).toBe("filled");
    station.layers.setLook("hidden");
    expect(ui().look).toBe("filled");
    station.tool.up(station, spot);
  });

  it("is shown when what is being drawn goes on with it", () => {
    station.layers.toggleClass(2);
    station.choose("polygon");
    for (const [x, y] of [
      [1, 1],
      [6, 1],
      [6, 6],
    ] as const) {
      station.tool.down(station, { image: { x, y }, screen: { x, y } });
    }
    press("2");
    expect([ui().unshown.size, station.drawable]).toEqual([0, true]);
    station.submit();
    expect(station.mask.data.includes(2)).toBe(true);
  });

  it("can be shown while something is drawn", () => {
    station.layers.toggleClass(2);
    const spot = { image: { x: 1, y: 1 }, screen: { x: 1, y: 1 } };
    station.tool.down(station, spot);
    station.layers.toggleClass(2);
    expect(ui().unshown.size).toBe(0);
    station.tool.up(station, spot);
  });

  it("is not written by the suggestion either", () => {
    const { slice } = station;
    station.layers.toggleClass(2);
    Object.assign(slice!, { suggestion: { ...slice!.mask, data: slice!.mask.data.slice() } });
    slice!.suggestion!.data.set([1, 2]);
    station.drawing.loadSuggestion();
    expect([...station.mask.data.slice(0, 2)]).toEqual([1, 0]);
  });

  it("keeps the keys of what cannot be done from the browser, which would search by them", () => {
    const taken = (key: string, more = {}) => !press(key, more);
    const swap = () => taken("e", { ctrlKey: true });
    expect(swap()).toBe(true);
    press("/");
    station.ui.set({ ask: null });
    expect([swap(), ui().ask]).toEqual([true, null]);
    station.setForm([], []);
    expect(["/", "'"].map((key) => taken(key))).toEqual([true, true]);
    expect(taken(";")).toBe(false);
  });

  it("is in sight again on the next case", async () => {
    press("/");
    press("'");
    press(";");
    expect([ui().unshown.size, ui().image, ui().look]).toEqual([1, false, "outlined"]);
    await seen();
    station.submit();
    expect([ui().unshown.size, ui().image, ui().look]).toEqual([0, true, "outlined"]);
    press(";");
    await seen();
    station.submit();
    expect(ui().look).toBe("filled");
  });

  it("is said, with the way to see it again", () => {
    station.ui.set({ image: false, unshown: new Set([1]), label: 1 });
    show(<Context station={station} />);
    expect(screen.getByRole("status").textContent).toContain("grey is hidden");
    fireEvent.click(screen.getByRole("button", { name: /Show/ }));
    expect(screen.getByRole("status").textContent).toContain("The image is hidden");
    fireEvent.click(screen.getByRole("button", { name: /Show/ }));
    expect(screen.queryByRole("status")).toBeNull();
  });

  it("is said of a class that is not at hand, too", () => {
    station.setLabel(1);
    station.layers.toggleClass(2);
    show(<Context station={station} />);
    expect(screen.getByRole("status").textContent).toContain("white is hidden");
    fireEvent.click(screen.getByRole("button", { name: "Show" }));
    expect([ui().unshown.size, screen.queryByRole("status")]).toEqual([0, null]);
  });

  it("is chosen in the panel class by class, and each as strong as wanted", () => {
    show(<SidePanel station={station} />);
    fireEvent.click(screen.getByRole("button", { name: "Each class by itself" }));
    fireEvent.click(screen.getByRole("checkbox", { name: "white" }));
    expect([...ui().unshown]).toEqual([2]);
    fireEvent.keyDown(screen.getByRole("slider", { name: "Opacity of grey" }), {
      key: "ArrowLeft",
    });
    expect(ui().strengths.get(1)).toBeCloseTo(0.95);
    fireEvent.click(screen.getByRole("button", { name: "Hidden" }));
    expect(ui().look).toBe("hidden");
    fireEvent.click(screen.getByRole("button", { name: "Image" }));
    expect(ui().image).toBe(false);
  });
});

describe("the button that hands in", () => {
  it("is not pressed by the second click of a double click, however late that comes", async () => {
    show(<BottomBar station={station} sample />);
    await seen();
    fireEvent.click(submit(), { detail: 2 });
    expect(task()).toBe(1);
    fireEvent.click(submit(), { detail: 1 });
    expect(task()).toBe(2);
  });

  it("is pressed once by Enter that is held down on it", () => {
    show(<BottomBar station={station} sample />);
    // What is prevented is the click that the browser makes of the key.
    expect(fireEvent.keyDown(submit(), { key: "Enter" })).toBe(true);
    expect(fireEvent.keyDown(submit(), { key: "Enter", repeat: true })).toBe(false);
  });

  it("leaves the keys with the drawing after a click, and keeps them when it is reached by key", () => {
    show(<BottomBar station={station} sample />);
    const focus = vi.spyOn(station, "focus");
    submit().focus();
    fireEvent.click(submit(), { detail: 0 });
    expect(focus).not.toHaveBeenCalled();
    fireEvent.click(submit(), { detail: 1 });
    expect(focus).toHaveBeenCalledOnce();
  });

  it("does not take the focus from what a click opens", () => {
    show(<BottomBar station={station} sample />);
    const focus = vi.spyOn(station, "focus");
    const skip = screen.getByRole("button", { name: /Skip/ });
    skip.focus();
    fireEvent.click(skip, { detail: 1 });
    expect(focus).not.toHaveBeenCalled();
  });
});
