// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { NetworkError } from "../../api/errors";
import { MemoryJournal } from "../../journal/journal";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import VolumePanel from "./volume";

/** What a viewer of volumes is given to show, without one: jsdom has no WebGL. */
const viewers: { volumes: { img: Uint8Array }[]; options: object }[] = [];
const HEADER = 352;

vi.mock("@niivue/niivue", () => {
  class Niivue {
    volumes: { img: Uint8Array; setColormapLabel(): void }[] = [];
    scene = {};
    constructor(readonly options: object) {
      viewers.push(this);
    }
    async attachToCanvas(): Promise<void> {}
    async loadFromArrayBuffer(file: ArrayBuffer): Promise<void> {
      this.volumes.push({ img: new Uint8Array(file, HEADER), setColormapLabel: () => undefined });
    }
    setSliceType(): void {}
    updateGLVolume(): void {}
    setOpacity(): void {}
    vox2frac(): void {}
    drawScene(): void {}
    cleanup(): void {}
  }
  return { Niivue, SHOW_RENDER: { ALWAYS: 1 } };
});

const SIZE = { rows: 4, columns: 4 };
let station: Workstation;
let server: FakeServer;

beforeEach(async () => {
  viewers.length = 0;
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({} as never);
  server = new FakeServer(3, 1, SIZE);
  server.suggest = true;
  const { image } = (await server.lease("c", "current"))!;
  const frames = [1, 2, 3].map((id) => ({ ...image, id, index: id }));
  const series = { id: 1, modality: "MR", count: 3, spacing_between: null, affine: null, frames };
  server.series = () => Promise.resolve(series);
  station = new Workstation(new Reading("c", 7, server, new MemoryJournal()), server);
  await station.reading.start();
});

afterEach(() => {
  cleanup();
  station.close();
  station.reading.close();
  vi.restoreAllMocks();
});

/** The label that fills each plane of the labels on show. */
const planes = () => {
  const size = SIZE.rows * SIZE.columns;
  const labels = viewers[0]?.volumes[1]?.img ?? new Uint8Array();
  return [0, 1, 2].map((at) => labels[at * size]);
};

const show = () =>
  render(
    <MantineProvider>
      <VolumePanel station={station} />
    </MantineProvider>,
  );

it("that could not be fetched is not said to be none, and can be fetched again", async () => {
  const bytes = server.bytes.bind(server);
  server.bytes = () => Promise.reject(new NetworkError());
  show();
  const again = await screen.findByRole("button", { name: "Try again" }, { timeout: 8000 });
  expect(screen.getByRole("status").textContent).toContain("could not be loaded");
  server.bytes = bytes;
  fireEvent.click(again);
  await vi.waitFor(() => expect(planes()).toEqual([2, 0, 0]), { timeout: 8000 });
  expect(screen.queryByRole("status")).toBeNull();
}, 20_000);

it("shows the labels of the case at hand, also before anything is drawn on it", async () => {
  show();
  await vi.waitFor(() => expect(planes()).toEqual([2, 0, 0]), { timeout: 8000 });
  // The page hears of the next case once its image is on the screen.
  let paint = () => {};
  const painted = new Promise<void>((resolve) => {
    paint = resolve;
  });
  station.ui.hold(painted);
  station.reading.store.hold(painted);
  await station.reading.submit();
  paint();
  await vi.waitFor(() => expect(planes()).toEqual([0, 2, 0]), { timeout: 8000 });
  expect(viewers).toHaveLength(1);
  expect(viewers[0]?.options).toMatchObject({ isCornerOrientationText: true });
}, 20_000);
