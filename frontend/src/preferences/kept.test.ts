import { beforeEach, describe, expect, it } from "vitest";
import { ApiError, NetworkError } from "../api/errors";
import { type Changes, DEFAULTS, Kept } from "./kept";

let disk: Map<string, string>;
let server: Changes[];
let answer: () => void;

beforeEach(() => {
  disk = new Map();
  server = [];
  answer = () => undefined;
});

function open(): Kept {
  const kept = new Kept({
    getItem: (key) => disk.get(key) ?? null,
    setItem: (key, value) => void disk.set(key, value),
  });
  kept.connect(async (changes) => {
    await Promise.resolve();
    answer();
    server.push(changes);
  });
  return kept;
}

/** Until all that was under way has come to its end. */
const rest = () => new Promise((done) => setImmediate(done));

const fails = (error: Error) => () => {
  throw error;
};
const offline = fails(new NetworkError());

describe("preferences", () => {
  it("are there at the first paint, before any server answered", async () => {
    const kept = open();
    kept.adopt(7, { ...DEFAULTS, scheme: "dark" });
    expect(open().store.get().scheme).toBe("dark");
  });

  it("go to the server, each once", async () => {
    const kept = open();
    kept.adopt(7, DEFAULTS);
    kept.change({ hand: "left" });
    await kept.flush();
    await expect.poll(() => server).toEqual([{ hand: "left" }]);
    await kept.flush();
    expect(server).toHaveLength(1);
  });

  it("changed offline hold here, survive a reload, and are sent when the server is back", async () => {
    const first = open();
    first.adopt(7, DEFAULTS);
    answer = offline;
    first.change({ hand: "left", breaks: 20 });
    await rest();

    const kept = open();
    expect(kept.store.get()).toMatchObject({ hand: "left", breaks: 20 });
    answer = () => undefined;
    kept.adopt(7, DEFAULTS);
    expect(kept.store.get()).toMatchObject({ hand: "left", breaks: 20 });
    await expect.poll(() => server).toEqual([{ hand: "left", breaks: 20 }]);
  });

  it("a change made while another one is on its way is sent too", async () => {
    const kept = open();
    kept.adopt(7, DEFAULTS);
    kept.change({ breaks: 20 });
    kept.change({ breaks: 30 });
    await expect.poll(() => server).toEqual([{ breaks: 20 }, { breaks: 30 }]);
    expect(kept.store.get().breaks).toBe(30);
  });

  it("what another place changed is taken over, but for what waits here", async () => {
    const kept = open();
    kept.adopt(7, DEFAULTS);
    answer = offline;
    kept.change({ hand: "left" });
    kept.adopt(7, { ...DEFAULTS, scheme: "light", hand: "right" });
    expect(kept.store.get()).toMatchObject({ hand: "left", scheme: "light" });
  });

  it("of one person never become another's in the same browser", async () => {
    const kept = open();
    kept.adopt(7, DEFAULTS);
    answer = offline;
    kept.change({ keys: { brush: ["a"] } });
    await rest();
    answer = () => undefined;
    kept.adopt(8, DEFAULTS);
    expect(kept.store.get().keys).toEqual({});
    await kept.flush();
    expect(server).toEqual([]);
    kept.adopt(7, DEFAULTS);
    await expect.poll(() => server).toEqual([{ keys: { brush: ["a"] } }]);
  });

  it("a language chosen on the log-in page goes with who logs in next", async () => {
    const page = open();
    page.adopt(null, null);
    page.change({ language: "zh-CN" });
    const kept = open();
    kept.adopt(8, { ...DEFAULTS, language: "en" });
    expect(kept.store.get().language).toBe("zh-CN");
    await expect.poll(() => server).toEqual([{ language: "zh-CN" }]);
    kept.adopt(9, { ...DEFAULTS, language: "en" });
    expect(kept.store.get().language).toBe("en");
  });

  it("what the server refuses is not sent for ever; after logging in again it is", async () => {
    const kept = open();
    kept.adopt(7, DEFAULTS);
    answer = fails(new ApiError(401, "not_logged_in", ""));
    kept.change({ breaks: 10 });
    await rest();
    answer = fails(new ApiError(422, "invalid", ""));
    kept.adopt(7, DEFAULTS);
    await expect.poll(() => JSON.parse(disk.get("reticle.preferences")!).unsent).toEqual({});
    answer = () => undefined;
    await kept.flush();
    expect(server).toEqual([]);
  });

  it("a spoiled memory is nobody's choice", () => {
    disk.set("reticle.preferences", "{");
    expect(open().store.get()).toEqual(DEFAULTS);
    disk.set("reticle.preferences", "7");
    expect(open().store.get()).toEqual(DEFAULTS);
  });
});
