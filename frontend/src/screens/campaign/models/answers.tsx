/** Metrics of a model that answers questions: accuracy by question, the rest by option. */
import { Table, Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Scroll } from "../../../components/scroll";
import { decimal, number, t, tn } from "../../../i18n";
import type { TabProps } from "../campaign";
import { intervalText } from "./figures";
import { Measured } from "./measured";
import { Section } from "./measures";

type Option = Schemas["OptionMetrics"];
type Questions = TabProps["campaign"]["questions"];

/** The metrics of an option in the order of the table. */
export const OPTION_METRICS = ["auc", "sensitivity", "specificity", "f1"] as const;

/** A question in words; its name where it is not asked any more. */
export function questionText(questions: Questions, name: string): string {
  return questions.find((question) => question.name === name)?.text ?? name;
}

export function AnswerTable(props: {
  answers: readonly Schemas["QuestionMetrics"][];
  questions: Questions;
}) {
  const { answers, questions } = props;
  return (
    <Section title={t("answers.title")}>
      <Text size="sm" c="dimmed">
        {t("answers.help")}
      </Text>
      <Scroll label={t("answers.title")} minWidth={820}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("answers.question")}</Table.Th>
              <Table.Th ta="right">{t("answers.answered")}</Table.Th>
              <Table.Th ta="right">{t("metrics.accuracy")}</Table.Th>
              <Table.Th>{t("answers.option")}</Table.Th>
              <Table.Th ta="right">{t("answers.chosen")}</Table.Th>
              {OPTION_METRICS.map((name) => (
                <Table.Th key={name} ta="right">
                  {t(`metrics.${name}`)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {answers.map((row) => (
              <QuestionRows key={row.name} row={row} text={questionText(questions, row.name)} />
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Section>
  );
}

function QuestionRows({ row, text }: { row: Schemas["QuestionMetrics"]; text: string }) {
  const { options, answered, left_out, mean_steps_off } = row;
  return options.map((option, i) => (
    <Table.Tr key={option.option}>
      {i === 0 ? (
        <>
          <Table.Th scope="row" rowSpan={options.length} style={{ verticalAlign: "top" }}>
            {text}
            {mean_steps_off === null ? null : (
              <Text size="xs" c="dimmed" fw={400}>
                {t("answers.steps", { steps: decimal(mean_steps_off) })}
              </Text>
            )}
          </Table.Th>
          <Table.Td rowSpan={options.length} ta="right" style={{ verticalAlign: "top" }}>
            {number(answered)}
            {left_out > 0 ? (
              <Text size="xs" c="dimmed">
                {tn("answers.left_out", left_out)}
              </Text>
            ) : null}
          </Table.Td>
          <Table.Td rowSpan={options.length} ta="right" style={{ verticalAlign: "top" }}>
            <Measured value={row.accuracy} />
            <Interval low={row.accuracy_low} high={row.accuracy_high} />
          </Table.Td>
        </>
      ) : null}
      <Table.Td>{option.option}</Table.Td>
      <Table.Td ta="right">{number(option.positives)}</Table.Td>
      {OPTION_METRICS.map((name) => (
        <OptionCell key={name} option={option} name={name} />
      ))}
    </Table.Tr>
  ));
}

function OptionCell({ option, name }: { option: Option; name: (typeof OPTION_METRICS)[number] }) {
  return (
    <Table.Td ta="right">
      <Measured value={option[name]} />
      <Interval low={option[`${name}_low`]} high={option[`${name}_high`]} />
    </Table.Td>
  );
}

function Interval({ low, high }: { low: number | null; high: number | null }) {
  if (low === null) return null;
  return (
    <Text size="xs" c="dimmed">
      {intervalText(low, high)}
    </Text>
  );
}
