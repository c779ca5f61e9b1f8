/** A sample series drawn by a formula: a head that belongs to nobody, with 12-bit grey values. */

export const SIZE = 192;
export const SLICES = 9;

interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly across: number;
  readonly along: number;
  readonly value: number;
}

/** Where the lesion is and how far it reaches, as shares of the image, in one of the samples. */
interface Lesion {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

const LESIONS: readonly Lesion[] = [
  { x: 0.36, y: 0.4, radius: 0.075 },
  { x: 0.64, y: 0.36, radius: 0.06 },
  { x: 0.62, y: 0.66, radius: 0.09 },
];
export const SAMPLES = LESIONS.length;

/** From the skull inwards; what comes later lies on top. Sizes shrink towards the vertex. */
function shapes(lesion: Lesion, slice: number): Ellipse[] {
  const height = (slice - (SLICES - 1) / 2) / SLICES;
  const reach = Math.sqrt(1 - height * height);
  const inside = Math.max(0, 1 - Math.abs(height) * 3);
  return [
    { x: 0.5, y: 0.5, across: 0.4 * reach, along: 0.46 * reach, value: 1500 },
    { x: 0.5, y: 0.5, across: 0.375 * reach, along: 0.435 * reach, value: 500 },
    { x: 0.5, y: 0.5, across: 0.355 * reach, along: 0.415 * reach, value: 1900 },
    { x: 0.5, y: 0.5, across: 0.29 * reach, along: 0.35 * reach, value: 2300 },
    { x: 0.44, y: 0.5, across: 0.035, along: 0.14 * reach, value: 700 },
    { x: 0.56, y: 0.5, across: 0.035, along: 0.14 * reach, value: 700 },
    { ...lesion, across: lesion.radius * inside, along: lesion.radius * inside, value: 3300 },
  ];
}

/** Repeatable noise in [0, 1): the same sample every time. */
function noise(n: number): number {
  const value = Math.sin(n * 12.9898) * 43758.5453;
  return value - Math.floor(value);
}

function inside(shape: Ellipse, x: number, y: number): boolean {
  if (shape.across <= 0 || shape.along <= 0) return false;
  return ((x - shape.x) / shape.across) ** 2 + ((y - shape.y) / shape.along) ** 2 <= 1;
}

/** The samples of one slice: SIZE x SIZE values of 12 bits, row by row. */
export function slicePixels(sample: number, slice: number): Uint16Array {
  const drawn = shapes(LESIONS[sample % SAMPLES]!, slice);
  return Uint16Array.from({ length: SIZE * SIZE }, (_, at) => {
    const x = ((at % SIZE) + 0.5) / SIZE;
    const y = (Math.floor(at / SIZE) + 0.5) / SIZE;
    const hit = drawn.findLast((shape) => inside(shape, x, y));
    const soft = 90 * Math.sin(x * 21) * Math.cos(y * 17);
    const grain = 160 * (noise(at + 1 + slice * SIZE * SIZE) - 0.5);
    return Math.max(0, Math.round((hit?.value ?? 60) + (hit ? soft : 0) + grain));
  });
}

/** What a model might have drawn: the lesion, a little too large and to one side; class 1. */
export function suggestedMask(sample: number): Uint8Array {
  const { x, y, radius } = LESIONS[sample % SAMPLES]!;
  const shape = { x: x + 0.012, y, across: radius * 1.15, along: radius * 1.05, value: 1 };
  return Uint8Array.from({ length: SIZE * SIZE }, (_, at) =>
    inside(shape, ((at % SIZE) + 0.5) / SIZE, (Math.floor(at / SIZE) + 0.5) / SIZE) ? 1 : 0,
  );
}
