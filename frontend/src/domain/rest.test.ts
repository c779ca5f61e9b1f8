import { beforeEach, describe, expect, it } from "vitest";
import { RestClock } from "./rest";

let clock: RestClock;
let now: number;

beforeEach(() => {
  clock = new RestClock();
  now = 0;
});

/** Something is done every ten seconds. */
function read(minutes: number): void {
  for (let n = 0; n < minutes * 6; n++) {
    now += 10;
    clock.activity(now);
  }
}

describe("a break", () => {
  it("is due after so many minutes of reading, not before, and never for who wants none", () => {
    clock.activity(now);
    read(44);
    expect(clock.due(45, now)).toBe(false);
    read(1);
    expect(clock.due(45, now)).toBe(true);
    expect(clock.due(60, now)).toBe(false);
    expect(clock.due(0, now)).toBe(false);
  });

  it("put off comes again after ten more minutes", () => {
    clock.activity(now);
    read(45);
    clock.postpone();
    read(9);
    expect(clock.due(45, now)).toBe(false);
    read(1);
    expect(clock.due(45, now)).toBe(true);
  });

  it("taken is a break: the count begins anew, and the notice goes by itself", () => {
    clock.activity(now);
    read(45);
    now += 299;
    expect(clock.due(45, now)).toBe(true);
    now += 1;
    expect(clock.due(45, now)).toBe(false);
    read(44);
    expect(clock.due(45, now)).toBe(false);
    read(2);
    expect(clock.due(45, now)).toBe(true);
  });

  it("does not count the time away from the desk", () => {
    clock.activity(now);
    read(40);
    now += 240;
    clock.activity(now);
    expect(clock.due(45, now)).toBe(false);
    read(4);
    expect(clock.due(45, now)).toBe(true);
  });
});
