/** Metrics of a model that answers questions: accuracy by question, the rest by option. */
import { Table, Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Plot } from "../../../components/plot";
import { Scroll } from "../../../components/scroll";
import { decimal, number, t, tn } from "../../../i18n";
import type { TabProps } from "../campaign";
import { Interval, Measured } from "./measured";
import { Section } from "./measures";
import { answerSeries } from "./series";

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

/** Whether the probabilities of answers say how often they are right, by question. */
export function AnswerCalibration(props: {
  answers: readonly Schemas["QuestionMetrics"][];
  questions: Questions;
}) {
  const named = props.answers.map((row) => ({
    ...row,
    text: questionText(props.questions, row.name),
  }));
  const measured = named.filter(({ calibration }) => calibration !== null);
  const rows = measured
    .flatMap(({ name, calibration }) =>
      calibration!.reliability.map(({ confidence, accuracy, count }) => ({
        confidence,
        [name]: accuracy,
        count,
      })),
    )
    .sort((one, other) => one.confidence - other.confidence);
  return (
    <Plot
      title={t("calibration.title")}
      unit={t("calibration.unitAnswers")}
      xLabel={t("calibration.axis")}
      xKey="confidence"
      xDigits={2}
      rows={rows}
      series={answerSeries(measured)}
      range={[0, 1]}
      xRange={[0, 1]}
      diagonal
      empty={t("calibration.none")}
      footer={measured.length > 0 ? <CalibrationTable rows={named} /> : null}
    />
  );
}

function CalibrationTable(props: {
  rows: readonly (Schemas["QuestionMetrics"] & { text: string })[];
}) {
  return (
    <>
      <Scroll label={t("calibration.title")} minWidth={420}>
        <Table mt="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("answers.question")}</Table.Th>
              <Table.Th ta="right">{t("calibration.choices")}</Table.Th>
              <Table.Th ta="right">{t("calibration.error")}</Table.Th>
              <Table.Th ta="right">{t("calibration.temperature")}</Table.Th>
              <Table.Th ta="right">{t("calibration.errorScaled")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {props.rows.map(({ name, text, calibration }) => (
              <Table.Tr key={name}>
                <Table.Th scope="row">{text}</Table.Th>
                <Table.Td ta="right">
                  <Measured
                    value={calibration?.reliability.reduce((sum, bin) => sum + bin.count, 0)}
                    digits={0}
                  />
                </Table.Td>
                <Table.Td ta="right">
                  <Measured value={calibration?.ece} digits={3} />
                </Table.Td>
                <Table.Td ta="right">
                  <Measured value={calibration?.temperature} />
                </Table.Td>
                <Table.Td ta="right">
                  <Measured value={calibration?.ece_scaled} digits={3} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
      <Text size="sm" c="dimmed" mt={4}>
        {t("calibration.helpAnswers")}
      </Text>
    </>
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
