"""What axe finds at fault with a page, by the rules of WCAG 2.2 A and AA."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# Half-faded text has other colours than it will have; what turns for ever (a loader) is not faded.
# What opens is there, unseen, for a frame or two before it begins to fade in.
STILL = """async () => {
  for (let frame = 0; frame < 4; frame += 1) {
    await new Promise((done) => requestAnimationFrame(done));
    const still = document.getAnimations().every((each) => each.playState !== 'running'
      || each.effect?.getComputedTiming().endTime === Infinity);
    if (!still) return false;
  }
  return true;
}"""
RUN = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
  return violations.flatMap(({ id, nodes }) => nodes.map(
    ({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`));
}"""


def faults(page: Page) -> list[str]:
    """Return one line a fault. Canvases hold pixels, which axe does not look into."""
    page.wait_for_function(STILL)
    if not page.evaluate("() => 'axe' in window"):
        page.add_script_tag(path=AXE)
    found: list[str] = page.evaluate(RUN, TAGS)
    return found
