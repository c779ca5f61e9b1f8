import type { PlotSeries } from "../../../components/plot";
import { CLASS_COLOURS } from "../../../viewer/palette";
import type { TabProps } from "../campaign";

const DASHES = ["", "6 3", "2 3", "8 3 2 3"] as const;

/** One line a question that a model answers, whether it is still asked or not. */
export function answerSeries(names: readonly { name: string; text: string }[]): PlotSeries[] {
  return names.map(({ name, text }, i) => ({
    key: name,
    name: text,
    colour: CLASS_COLOURS[i % CLASS_COLOURS.length]!,
    dashes: DASHES[i % DASHES.length]!,
  }));
}

/** One line a class, or a question, told apart by its colour and by its dashes. */
export function partSeries(
  campaign: TabProps["campaign"],
  wanted: (name: string) => boolean,
): PlotSeries[] {
  const asked = campaign.questions.map(({ name, text }, i) => ({
    name,
    text,
    colour: CLASS_COLOURS[i % CLASS_COLOURS.length]!,
  }));
  const drawn = campaign.classes.map(({ name, colour }) => ({ name, text: name, colour }));
  return (campaign.kind === "classification" ? asked : drawn)
    .filter(({ name }) => wanted(name))
    .map(({ name, text, colour }, i) => ({
      key: name,
      name: text,
      colour,
      dashes: DASHES[i % DASHES.length]!,
      band: `${name} interval`,
    }));
}
