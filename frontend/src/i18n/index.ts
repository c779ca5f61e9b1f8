/** Texts from the catalogue, and numbers and times as the reader's language writes them. */
import { en } from "./en";

export type TextKey = keyof typeof en;

type Placeholder<T extends string> = T extends `${string}{${infer P}}${infer Rest}`
  ? P | Placeholder<Rest>
  : never;
type Params<K extends TextKey> = Record<Placeholder<(typeof en)[K]>, string | number>;
type Needed<K extends TextKey> = [Placeholder<(typeof en)[K]>] extends [never] ? [] : [Params<K>];

/** Keys that come in forms by number: `${stem}.one`, `${stem}.other`. */
export type PluralStem = {
  [K in TextKey]: K extends `${infer Stem}.other`
    ? `${Stem}.one` extends TextKey
      ? Stem
      : never
    : never;
}[TextKey];

/** Each under its own name, so that a person finds theirs whatever the page speaks. */
export const languages = [
  { code: "en", name: "English" },
  { code: "zh-CN", name: "简体中文" },
] as const;

export type Language = (typeof languages)[number]["code"];

const CHOICE = "reticle.language";

/** The language a person chose before, else the one the browser asks for. */
export function choose(stored: string | null, wanted: string): Language {
  const chosen = languages.find(({ code }) => code === stored);
  return chosen?.code ?? (/^zh\b/i.test(wanted) ? "zh-CN" : "en");
}

function preferred(): Language {
  // No page, no person: tests and tools speak English wherever they run.
  if (typeof document === "undefined") return "en";
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(CHOICE);
  } catch {
    // A browser that blocks storage keeps no choice.
  }
  return choose(stored, navigator.language);
}

/** Fixed while the page lives; read by everything that writes words, numbers or times. */
export const language = preferred();
if (typeof document !== "undefined") document.documentElement.lang = language;

/** Keep a person's choice. The page loads anew, since texts are read when modules load. */
export function setLanguage(chosen: Language): void {
  try {
    localStorage.setItem(CHOICE, chosen);
  } catch {
    return; // Loaded anew, the page would speak the same as now.
  }
  if (chosen !== language) location.reload();
}

/**
 * Awaited here, so that every module that imports `t` finds its texts, even at its top level, and
 * readers of English never fetch the Chinese. Where that fails, English beats an empty page.
 */
const catalogue: Record<TextKey, string> =
  language === "zh-CN"
    ? await import("./zh").then(
        ({ zh }) => zh,
        () => en,
      )
    : en;

/** The text of a key; its type demands exactly the values the text has places for. */
export function t<K extends TextKey>(key: K, ...values: Needed<K>): string {
  return fill(catalogue[key], values[0] ?? {});
}

/** The form of a text that fits a number, which it may show as {count}. */
export function tn(stem: PluralStem, count: number): string {
  const form = new Intl.PluralRules(language).select(count) === "one" ? "one" : "other";
  return fill(catalogue[`${stem}.${form}` as TextKey], { count: number(count) });
}

/** The text of a key in English, whatever the page speaks. */
export function english<K extends TextKey>(key: K, ...values: Needed<K>): string {
  return fill(en[key], values[0] ?? {});
}

/** The text of a key that is only known while running, such as an action's label. */
export function label(key: TextKey): string {
  return catalogue[key];
}

function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Names or words one after the other. */
export function list(parts: readonly string[]): string {
  return new Intl.ListFormat(language, { type: "conjunction", style: "narrow" }).format(parts);
}

/** Sentences one after the other: in Chinese no space stands between them. */
export function sentences(...parts: readonly string[]): string {
  return parts.join(language === "zh-CN" ? "" : " ");
}

/** The text of a word from the server, `state.open` for "open", else the word as it is. */
export function word(
  prefix: string,
  value: string,
  values: Record<string, string | number> = {},
): string {
  const key = `${prefix}.${value}`;
  return key in catalogue ? fill(catalogue[key as TextKey], values) : value;
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** With exactly so many decimals, for columns of figures. */
export function decimal(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** With two digits that tell, however small the number: for differences of rounding. */
export function significant(value: number): string {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: 2 }).format(value);
}

export function percent(share: number): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(
    share,
  );
}

export function clock(at: number | Date): string {
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

/** "Nov 30, 14:05": for axes of more than a day. */
export function dayAndClock(at: number | Date): string {
  return new Intl.DateTimeFormat(language, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

export function dateTime(
  at: string | null | undefined,
  timeStyle: "short" | "medium" = "short",
): string {
  if (!at) return "–";
  return new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle,
    hourCycle: "h23",
  }).format(new Date(at));
}

/** "2 s ago", "3 min ago". */
export function ago(seconds: number): string {
  if (seconds < 60) return t("unit.ago", { time: duration(Math.max(1, seconds)) });
  const minutes = t("unit.minutes", { n: number(Math.floor(seconds / 60)) });
  return t("unit.ago", { time: minutes });
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  if (whole < 60) return t("unit.seconds", { n: number(whole) });
  const [m, s] = [Math.floor(whole / 60), whole % 60];
  if (s === 0 || m >= 10) return t("unit.minutes", { n: number(m) });
  return t("unit.minutesSeconds", { m: number(m), s: number(s) });
}
