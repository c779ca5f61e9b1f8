import { Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { dateTime, list, t, tn } from "../../../i18n";
import type { TabProps } from "../campaign";
import { reasonText } from "./reasons";

type Measured = Schemas["MeasuredOutput"];

/** A held-out list in words: when it was frozen, and how large it is. */
export function listText({ at, cases, patients }: Schemas["HeldOutOutput"]): string {
  return t("basis.list", {
    at: dateTime(at),
    cases: tn("basis.cases", cases),
    patients: tn("models.patients", patients),
  });
}

/** Classes or questions one after the other, questions in their present words. */
export function partsText(
  names: readonly string[],
  questions: TabProps["campaign"]["questions"],
): string {
  return list(names.map((name) => questions.find((each) => each.name === name)?.text ?? name));
}

/** Which number stands for a patient on whom one of two versions alone draws what is not there. */
export function DrawnByOne() {
  return (
    <Text size="sm" c="dimmed">
      {t("compare.drawnByOne")}
    </Text>
  );
}

/** What the figures of a learning curve are of: which list, over which classes, without whom. */
export function Basis({ campaign, measured }: TabProps & { measured: Measured }) {
  return [
    ...onWhat(measured, campaign.state),
    ...ofWhat(measured, campaign),
    ...without(measured),
  ].map((text) => (
    <Text key={text} size="sm" c="dimmed">
      {text}
    </Text>
  ));
}

function onWhat(measured: Measured, state: TabProps["campaign"]["state"]): string[] {
  const { one_list, held_out, number, waiting } = measured;
  if (!held_out || number === null) return [];
  const which = { list: listText(held_out) };
  const said = one_list
    ? [t("basis.same", which)]
    : [t("basis.several"), t("basis.version", { number, ...which })];
  if (waiting.length === 0) return said;
  const versions = list(waiting.map((each) => `v${each}`));
  return [...said, t(state === "open" ? "basis.waiting" : "basis.closed", { versions })];
}

function ofWhat(measured: Measured, { questions }: TabProps["campaign"]): string[] {
  const { averaged, enough, few } = measured;
  const named = (name: string) => partsText([name], questions);
  const left = few.map(({ name, cases, patients }) =>
    t("basis.few", {
      name: named(name),
      cases: tn("basis.cases", cases),
      patients: tn("models.patients", patients),
    }),
  );
  if (averaged.length === 0) return left;
  const parts = partsText(averaged, questions);
  if (!enough) return [t("basis.notEnough", { parts }), ...left];
  return left.length === 0 ? [] : [t("basis.mean", { parts }), ...left];
}

function without({ left_out, earlier }: Measured): string[] {
  const said = left_out.map(({ number, reason }) =>
    t("basis.without", { number, reason: reasonText(reason) }),
  );
  return earlier > 0 ? [...said, tn("basis.earlier", earlier)] : said;
}
