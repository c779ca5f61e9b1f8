// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Formatted } from "./formatted";

afterEach(cleanup);

function shown(text: string): HTMLElement {
  return render(<Formatted text={text} />).container;
}

describe("a guideline in Markdown", () => {
  it("has its headings, lists, emphasis and tables", () => {
    const found = shown(
      "# Grey\n\nDraw **all** of it:\n\n- cortex\n- nuclei\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    );
    expect(found.querySelector("h3")?.textContent).toBe("Grey");
    expect(found.querySelector("strong")?.textContent).toBe("all");
    expect(found.querySelectorAll("li")).toHaveLength(2);
    expect(found.querySelectorAll("td")).toHaveLength(2);
  });

  it.each([
    "<script>window.bad = 1</script>",
    '<img src="x" onerror="window.bad = 1">',
    '<a href="javascript:window.bad=1">x</a>',
    "<iframe src='elsewhere'></iframe>",
    "<style>body { display: none }</style>",
    '<div onclick="window.bad = 1">x</div>',
  ])("shows tags as the text they are: %s", (text) => {
    const found = shown(text);
    expect(found.querySelector("script, img, a, iframe, style, [onclick], [onerror]")).toBeNull();
  });

  it.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
  ])("gives no address to a link that is none: %s", (text) => {
    for (const link of shown(text).querySelectorAll("a")) {
      expect(link.getAttribute("href") ?? "").toBe("");
    }
  });

  it("opens links elsewhere, without telling where from, and fetches no pictures", () => {
    const found = shown(
      "[atlas](https://elsewhere.example/atlas) ![a cut](https://elsewhere.example/a.png)",
    );
    const link = screen.getByRole("link", { name: "atlas" });
    expect(link.getAttribute("rel")).toContain("noreferrer");
    expect(link.getAttribute("target")).toBe("_blank");
    expect(found.querySelector("img")).toBeNull();
    expect(found.textContent).toContain("a cut");
  });

  it("shows the campaign's own pictures, and from nowhere else", () => {
    const found = shown("Draw it so:\n\n![a cut](picture:12)");
    expect(found.querySelector("img")?.getAttribute("src")).toBe("/api/v1/pictures/12");
    expect(found.querySelector("img")?.getAttribute("alt")).toBe("a cut");
  });

  it.each([
    "picture:12/../../../api/v1/session",
    "picture:x",
    "/api/v1/images/1/pixels",
    "//elsewhere.example/a.png",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "javascript:alert(1)",
  ])("fetches nothing for %s", (address) => {
    expect(shown(`![a cut](${address})`).querySelector("img")).toBeNull();
  });
});
