import { afterEach, describe, expect, it, vi } from "vitest";
import { groupName, reasonText } from "./reasons";

const sentence = "mean Dice (grey) 0.812 against 0.800 on 24 cases";
const means = {
  text: sentence,
  code: "mean_dice",
  values: { parts: "grey", score: 0.8123, champion: 0.8, cases: 24 },
};
const south = {
  text: "site south fell by 0.120",
  code: "group_fell",
  values: { attribute: "site", value: "south", by: 0.12 },
};

/** The same in another language: catalogues are chosen when modules load. */
async function inChinese(): Promise<typeof import("./reasons")> {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("navigator", { language: "en" });
  vi.stubGlobal("localStorage", { getItem: () => "zh-CN" });
  vi.resetModules();
  return import("./reasons");
}
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe("a reason", () => {
  it("reads in English as the server says it", () => {
    expect([means, south].map(reasonText)).toEqual([sentence, south.text]);
  });

  it("reads in the page's language, with its numbers and names", async () => {
    const { reasonText } = await inChinese();
    expect(reasonText(means)).toBe("24 例的平均 Dice（grey）为 0.812，冠军模型为 0.800");
    expect(reasonText(south)).toBe("机构 south 下降了 0.120");
    const replaced = { text: "v3 took its place", code: "replaced", values: { number: 3 } };
    expect(reasonText(replaced)).toBe("由 v3 取代");
    const women = { ...south, text: "sex F fell by 0.120", values: { ...south.values } };
    Object.assign(women.values, { attribute: "sex", value: "F" });
    expect(reasonText(women)).toBe("性别 女 下降了 0.120");
  });

  it.each(["", "of_a_later_server"])(
    "without a text for its code %j is its sentence",
    async (code) => {
      const { reasonText } = await inChinese();
      expect(reasonText({ text: "better in the fossa", code, values: {} })).toBe(
        "better in the fossa",
      );
    },
  );
});

describe("a subgroup", () => {
  it("of an attribute that the pages do not know keeps its name", () => {
    expect(groupName({ attribute: "age_band", value: "60" })).toBe("age 60");
    expect(groupName({ attribute: "modality", value: "CT" })).toBe("modality CT");
    expect(groupName({ attribute: "vendor", value: "A" })).toBe("vendor A");
  });
});
