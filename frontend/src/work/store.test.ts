import { expect, it } from "vitest";
import { Store } from "./store";

function heard(store: Store<{ n: number }>): number[] {
  const found: number[] = [];
  store.subscribe(() => found.push(store.get().n));
  return found;
}

it("tells its listeners of what changed, and of nothing else", () => {
  const store = new Store({ n: 1 });
  const found = heard(store);
  store.set({ n: 1 });
  store.set({ n: 2 });
  expect(found).toEqual([2]);
});

it("keeps listeners waiting, but for those that follow, and tells them once what is new", async () => {
  const store = new Store({ n: 1 });
  const found = heard(store);
  const followed: number[] = [];
  store.follow(() => followed.push(store.get().n));
  let release = () => {};
  const over = new Promise<void>((resolve) => {
    release = resolve;
  });
  store.hold(over);
  store.set({ n: 2 });
  store.set({ n: 3 });
  expect(followed).toEqual([2, 3]);
  expect(found).toEqual([]);
  release();
  await over;
  expect(found).toEqual([3]);
  store.set({ n: 4 });
  expect(found).toEqual([3, 4]);
});

it("held again meanwhile, waits for the later of both; with nothing new it says nothing", async () => {
  const store = new Store({ n: 1 });
  const found = heard(store);
  let release = () => {};
  const later = new Promise<void>((resolve) => {
    release = resolve;
  });
  store.hold(Promise.resolve());
  store.hold(later);
  store.set({ n: 2 });
  await Promise.resolve();
  expect(found).toEqual([]);
  release();
  await later;
  expect(found).toEqual([2]);
  store.hold(Promise.resolve());
  await Promise.resolve();
  expect(found).toEqual([2]);
});
