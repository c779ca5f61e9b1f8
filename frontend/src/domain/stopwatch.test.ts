import { expect, it } from "vitest";
import { Stopwatch } from "./stopwatch";

it("counts work, and of a long pause only the idle limit", () => {
  const watch = new Stopwatch(10, 60);
  watch.activity(0);
  watch.activity(20);
  expect(watch.seconds).toBe(30);
  watch.activity(1000);
  expect(watch.seconds).toBe(90);
});

it("does not count while the window is left", () => {
  const watch = new Stopwatch();
  watch.activity(0);
  watch.pause(5);
  watch.activity(40);
  watch.activity(41);
  expect(watch.seconds).toBe(6);
});
