import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ago, choose, decimal, duration, language, list, sentences, t, tn } from ".";
import { en } from "./en";
import { zh } from "./zh";

const root = join(import.meta.dirname, "..");
const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter(
    (name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|schema\.d\.ts$|\b(en|zh)\.ts$/.test(name),
  )
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

/** Attributes whose values a person reads or hears. */
const SPOKEN = /^(label|title|placeholder|description|alt|aria-label|aria-description|error)$/;

/** Words between tags, and spoken attributes given as plain strings. */
function hardCoded(name: string, text: string): string[] {
  const tree = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isJsxText(node) && /\p{L}{2}/u.test(node.text)) found.push(node.text.trim());
    if (ts.isJsxAttribute(node) && SPOKEN.test(node.name.getText())) {
      const value = node.initializer;
      if (value && ts.isStringLiteral(value) && value.text !== "") found.push(value.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

describe("the catalogue", () => {
  it("holds every text: none stands in the pages themselves", () => {
    expect(sources.filter(({ name }) => name.endsWith(".tsx")).length).toBeGreaterThan(5);
    expect(sources.flatMap(({ name, text }) => hardCoded(name, text))).toEqual([]);
  });

  it("the scan finds a text that does stand in a page", () => {
    expect(hardCoded("x.tsx", '<p title="Bad">also bad{" "}{t("ok")}</p>')).toHaveLength(2);
  });

  it("has no key that nothing uses", () => {
    const all = sources.map(({ text }) => text).join("\n");
    // Stems and prefixes count: `tn("home.done")`, `word("state", x)`, `preset.${name}`.
    const unused = Object.keys(en).filter((key) => {
      const parts = key.split(".");
      const stems = parts.map((_, i) => parts.slice(0, i + 1).join("."));
      const whole = all.includes(`"${key}"`);
      return (
        !whole &&
        !stems.some(
          (s) => all.includes(`"${s}",`) || all.includes(`"${s}"\n`) || all.includes(`\`${s}.\${`),
        )
      );
    });
    expect(unused).toEqual([]);
  });
});

describe("texts", () => {
  it("are filled in", () => {
    expect(t("work.slice", { n: 3, of: 9 })).toBe("slice 3 / 9");
  });

  it("follow the number", () => {
    expect(tn("home.waiting", 1)).toBe("1 case waits for you");
    expect(tn("home.waiting", 1200)).toBe("1,200 cases wait for you");
  });

  it("write numbers and times with units", () => {
    expect(decimal(0.8)).toBe("0.80");
    expect(decimal(null)).toBe("–");
    expect(duration(42.4)).toBe("42 s");
    expect(duration(95)).toBe("1 min 35 s");
    expect(ago(2)).toBe("2 s ago");
    expect(list(["grey", "white"])).toBe("grey, white");
    expect(sentences("One.", "Two.")).toBe("One. Two.");
  });
});

/** Names, units and key caps, which are the same in both languages. */
const SAME = [
  ...["app.name", "app.title", "overview.csvShort", "exports.hash", "key.classes"],
  ...["measure.mm", "measure.px", "measure.degrees", "work.millimetres", "work.centimetres"],
  ...["work.sizeValue", "work.sizeMm", "plot.pngShort"],
  ...["metrics.dice", "metrics.iou", "metrics.hd95", "metrics.auc", "metrics.f1"],
  ...[
    "key.Enter",
    "key.Escape",
    "key.Space",
    "key.Mod",
    "key.Shift",
    "key.Delete",
    "work.shiftKey",
  ],
];

describe("the Chinese catalogue", () => {
  const keys = Object.keys(en) as (keyof typeof en)[];
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

  it("has the keys of the English one", () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort());
  });

  it("has the same places to fill in, and no empty text", () => {
    for (const key of keys) {
      expect(places(zh[key]), key).toEqual(places(en[key]));
      expect(zh[key].trim(), key).not.toBe("");
    }
  });

  it("has both forms of what follows a number", () => {
    const stems = keys.filter((key) => key.endsWith(".one")).map((key) => key.slice(0, -4));
    expect(stems.length).toBeGreaterThan(5);
    for (const stem of stems) expect(Object.keys(zh)).toContain(`${stem}.other`);
  });

  it("leaves nothing in English but names, units and keys", () => {
    expect(keys.filter((key) => zh[key] === en[key]).sort()).toEqual([...SAME].sort());
    const others = keys.filter((key) => !SAME.includes(key) && !/^key\.Arrow/.test(key));
    expect(others.filter((key) => !/\p{Script=Han}/u.test(zh[key].replace(/\{\w+\}/g, ""))))
      // Only a colon or semicolon, which is full width, stands between two values.
      .toEqual(["app.named", "app.clauses", "error.field", "home.act", "work.score"]);
  });

  it("is written with full-width punctuation", () => {
    const narrow = /\p{Script=Han}[,;:!?().]|[,;:!?().]\p{Script=Han}/u;
    expect(keys.filter((key) => narrow.test(zh[key]))).toEqual([]);
  });
});

describe("the language", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  const BLOCKED = Symbol("reading the storage throws");

  /** The module as a page loads it, in a browser that asks for `wanted`. */
  async function load(stored: string | null | typeof BLOCKED, wanted: string) {
    const kept = new Map(typeof stored === "string" ? [["reticle.language", stored]] : []);
    const page = { documentElement: { lang: "" } };
    const reload = vi.fn();
    vi.stubGlobal("document", page);
    vi.stubGlobal("navigator", { language: wanted });
    vi.stubGlobal("location", { reload });
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => {
        if (stored === BLOCKED) throw new DOMException("blocked", "SecurityError");
        return kept.get(key) ?? null;
      },
      setItem: (key: string, value: string) => kept.set(key, value),
    });
    vi.resetModules();
    return { texts: await import("."), page, reload, kept };
  }

  it("is the one chosen, else the browser's, else English", () => {
    expect(choose("en", "zh-CN")).toBe("en");
    expect(choose("zh-CN", "en-GB")).toBe("zh-CN");
    expect(choose(null, "zh")).toBe("zh-CN");
    expect(choose(null, "zh-Hans-SG")).toBe("zh-CN");
    expect(choose("klingon", "de")).toBe("en");
    expect(language).toBe("en");
  });

  it("is Chinese in words, numbers and dates alike", async () => {
    const { texts, page } = await load("zh-CN", "en");
    expect(page.documentElement.lang).toBe("zh-CN");
    expect(texts.t("work.slice", { n: 3, of: 9 })).toBe("层面 3 / 9");
    expect(texts.tn("home.waiting", 1)).toBe("1 例等待您阅片");
    expect(texts.tn("home.waiting", 1200)).toBe("1,200 例等待您阅片");
    expect(texts.word("state", "open")).toBe("进行中");
    expect(texts.percent(0.8)).toBe("80%");
    expect(texts.duration(95)).toBe("1 分 35 秒");
    expect(texts.ago(2)).toBe("2 秒前");
    expect(texts.list(["灰质", "白质"])).toBe("灰质、白质");
    expect(texts.sentences("一。", "二。")).toBe("一。二。");
    expect(texts.dateTime("2026-11-25T15:10:00")).toBe("2026年11月25日 15:10");
  });

  it("stays when chosen, and the page loads anew to show it", async () => {
    const { texts, page, reload, kept } = await load(null, "en-US");
    expect(page.documentElement.lang).toBe("en");
    texts.setLanguage("en");
    expect(reload).not.toHaveBeenCalled();
    texts.setLanguage("zh-CN");
    expect(reload).toHaveBeenCalledOnce();
    expect(kept.get("reticle.language")).toBe("zh-CN");
  });

  it("is the browser's where storage is blocked", async () => {
    const { texts } = await load(BLOCKED, "zh-CN");
    expect(texts.language).toBe("zh-CN");
  });
});
