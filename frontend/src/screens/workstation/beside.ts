/** Where a card lies so that it hides nothing of the part of the page it is about. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

/** Between the card and the part, and between the card and the edge of the screen (CSS pixels). */
const GAP = 12;
/** Narrower than this a card is hard to read. */
const NARROW = 280;

/**
 * Beside the part, below or above it, wherever the card has room; it may be narrower for that. Where
 * it has none, in the corner of the screen where it hides least. Beside a part it leaves the bars
 * above the image free, which go down to `bars`: what is said of tools and panel is of them as well.
 */
export function beside(part: Box, card: Size, screen: Size, bars = 0): Place {
  const across = screen.width - card.width - GAP;
  const down = screen.height - card.height - GAP;
  for (const [from, to] of [
    [part.right, screen.width],
    [0, part.left],
  ] as const) {
    const width = Math.min(card.width, to - from - 2 * GAP);
    if (width < NARROW) continue;
    // The narrower, the higher: about as much as it has of words.
    const lowest = screen.height - (card.height * card.width) / width - GAP;
    const top = Math.max(GAP, Math.min(Math.max(part.top, bars) + GAP, lowest));
    return { left: from === 0 ? to - width - GAP : from + GAP, top, width };
  }
  const { width } = card;
  if (part.bottom + GAP <= down) return { left: across, top: part.bottom + GAP, width };
  const above = part.top - card.height - GAP;
  if (above >= GAP) return { left: across, top: above, width };
  const corners = [across, GAP].flatMap((left) => [down, GAP].map((top) => ({ left, top, width })));
  return corners.reduce((best, each) =>
    hidden(part, each, card.height) < hidden(part, best, card.height) ? each : best,
  );
}

/** How much of the part a card hides, in square pixels. */
function hidden(part: Box, { left, top, width }: Place, height: number): number {
  const across = Math.min(part.right, left + width) - Math.max(part.left, left);
  const down = Math.min(part.bottom, top + height) - Math.max(part.top, top);
  return Math.max(0, across) * Math.max(0, down);
}
