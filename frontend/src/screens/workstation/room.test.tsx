// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listen } from "../../actions/keys";
import type { Question } from "../../api/client";
import { MemoryJournal } from "../../journal/journal";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import { BottomBar } from "./bottom";
import { ValueRange } from "./options";
import { Failed } from "./stage";

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

describe("the range of the threshold brush", () => {
  const bound = (name: RegExp) => screen.getByRole("textbox", { name });
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
