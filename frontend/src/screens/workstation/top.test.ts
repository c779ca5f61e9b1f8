// @vitest-environment jsdom
import { expect, it } from "vitest";
import { saveText } from "./top";

it("says offline of nothing else than a server that does not answer", () => {
  expect(saveText({ kind: "offline" }, 0)).toBe("offline: kept here");
  expect(saveText({ kind: "stale" }, 0)).toBe("not saved: kept here");
  expect(saveText({ kind: "refused", message: "no" }, 0)).toBe("not saved: kept here");
});
