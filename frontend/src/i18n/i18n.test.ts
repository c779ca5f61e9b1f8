import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { ago, decimal, duration, t, tn } from ".";
import { en } from "./en";

const root = join(import.meta.dirname, "..");
const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|schema\.d\.ts$|en\.ts$/.test(name))
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
  });
});
