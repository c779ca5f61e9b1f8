/** How well a text fits what somebody typed: words half remembered, letters left out. */

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

const begins = (text: string, at: number) => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!);

/** Higher is better; null when the letters do not all come, in their order. */
export function fuzzy(query: string, text: string): number | null {
  const wanted = fold(query).trim();
  const within = fold(text);
  if (wanted === "") return 0;
  const at = within.indexOf(wanted);
  if (at >= 0) return (begins(within, at) ? 300 : 200) - at;
  return scattered(wanted.replace(/\s+/g, ""), within);
}

/** Letters apart: those that begin a word or follow each other count for more. */
function scattered(wanted: string, within: string): number | null {
  // Where the last letter so far may stand -> the best score that leads there.
  let best = new Map([[-1, 0]]);
  for (const letter of wanted) {
    const next = new Map<number, number>();
    for (let at = within.indexOf(letter); at >= 0; at = within.indexOf(letter, at + 1)) {
      const first = begins(within, at);
      for (const [last, score] of best) {
        if (last >= at) continue;
        const gained = score + (first ? 8 : at === last + 1 ? 5 : 1);
        next.set(at, Math.max(gained, next.get(at) ?? 0));
      }
    }
    if (next.size === 0) return null;
    best = next;
  }
  return Math.max(...best.values()) - within.length / 100;
}
