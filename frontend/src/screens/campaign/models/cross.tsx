import { Paper, SegmentedControl, Select, Stack, Switch, Table, Text, Title } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Scroll } from "../../../components/scroll";
import { dateTime, decimal, number, t, tn } from "../../../i18n";
import type { TabProps } from "../campaign";
import { questionText } from "./answers";
import { ChoiceTable, chosenName, TakeRecipe } from "./choice";
import { intervalText } from "./figures";
import { Below } from "./measured";

type Asked = Schemas["RunInputRequest"];
type Run = Schemas["RunOutput"];
type Report = Schemas["CrossOutput"];

const FOLDS = ["3", "5"] as const;

/** What kind of run is asked for, and of a cross-validation into how many folds. */
export function KindFields(props: {
  asked: Asked;
  onChange: (asked: Asked) => void;
  /** Several recipes are compared: their folds are no candidate. */
  compares: boolean;
}) {
  const { asked, onChange, compares } = props;
  const cross = asked.kind === "cross";
  // What belongs to the other kind goes: it would be refused.
  const choose = (value: string) => {
    const { kind: _k, folds: _f, ensemble: _e, best: _b, start: _s, donor: _d, ...rest } = asked;
    onChange(value === "cross" ? { ...rest, kind: "cross", folds: 3 } : rest);
  };
  return (
    <>
      <SegmentedControl
        aria-label={t("train.kind")}
        data={[
          { value: "train", label: t("train.kind.train") },
          { value: "cross", label: t("train.kind.cross") },
        ]}
        value={cross ? "cross" : "train"}
        onChange={choose}
      />
      {cross ? (
        <>
          <Text size="sm" c="dimmed">
            {t("cross.help")}
          </Text>
          <Select
            label={t("cross.folds")}
            data={FOLDS.map((value) => ({ value, label: value }))}
            value={String(asked.folds ?? 3)}
            onChange={(value) => onChange({ ...asked, folds: value === "5" ? 5 : 3 })}
            allowDeselect={false}
          />
          {compares ? null : (
            <Switch
              label={t("cross.ensemble")}
              description={t("cross.ensembleHelp")}
              checked={asked.ensemble ?? false}
              onChange={(event) => onChange({ ...asked, ensemble: event.currentTarget.checked })}
            />
          )}
        </>
      ) : null}
    </>
  );
}

/** The newest cross-validation: out of fold, by class or question, and what each fold came to. */
export function CrossReport(props: { runs: readonly Run[]; campaign: TabProps["campaign"] }) {
  const { runs, campaign } = props;
  const { questions } = campaign;
  const run = runs.find(({ report }) => report !== null);
  if (!run?.report) return null;
  const { report, choice } = run;
  return (
    <Paper p="md" component="section" aria-label={t("cross.title")}>
      <Stack gap="xs">
        <Title order={2}>{t("cross.title")}</Title>
        <Text size="sm" c="dimmed">
          {[
            t("cross.measured", {
              cases: number(report.cases),
              patients: number(report.patients),
              folds: report.folds.length,
            }),
            t("live.heading", { id: run.id }),
            dateTime(run.finished_at),
          ].join(" · ")}
        </Text>
        {choice ? <ChoiceTable choice={choice} questions={questions} /> : null}
        {choice && campaign.roles.includes("manager") ? (
          <TakeRecipe key={run.id} run={run} name={chosenName(choice)} campaign={campaign} />
        ) : null}
        {choice ? (
          <Title order={3} mt="xs">
            {t("variants.reportOf", { name: chosenName(choice) })}
          </Title>
        ) : null}
        <Scroll label={t("cross.title")} minWidth={560}>
          <Folds report={report} questions={questions} />
        </Scroll>
        <Text size="sm" c="dimmed">
          {t("cross.note")}
        </Text>
      </Stack>
    </Paper>
  );
}

interface Part {
  readonly name: string;
  readonly text: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly spread: number | null;
}

/** What was measured, by class where something is drawn, else by question. */
function partsOf(report: Report, questions: TabProps["campaign"]["questions"]): Part[] {
  return [
    ...(report.classes ?? []).map((row) => ({ ...row, text: row.name, value: row.dice })),
    ...(report.questions ?? []).map(({ name, accuracy, accuracy_low, accuracy_high, spread }) => ({
      name,
      text: questionText(questions, name),
      value: accuracy,
      low: accuracy_low,
      high: accuracy_high,
      spread,
    })),
  ];
}

function Folds(props: { report: Report; questions: TabProps["campaign"]["questions"] }) {
  const { report } = props;
  const asks = report.questions !== undefined;
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t(asks ? "answers.question" : "metrics.class")}</Table.Th>
          <Table.Th ta="right">{t(asks ? "metrics.accuracy" : "metrics.dice")}</Table.Th>
          <Table.Th ta="right">{t("cross.spread")}</Table.Th>
          {report.folds.map(({ fold, patients }) => (
            <Table.Th key={fold} ta="right">
              {t("cross.fold", { n: fold + 1 })}
              <Text size="xs" c="dimmed">
                {tn("models.patients", patients)}
              </Text>
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {partsOf(report, props.questions).map((row) => (
          <Table.Tr key={row.name}>
            <Table.Th scope="row">{row.text}</Table.Th>
            <Table.Td ta="right">
              {decimal(row.value)}
              <Below>{intervalText(row.low, row.high)}</Below>
            </Table.Td>
            <Table.Td ta="right">{decimal(row.spread)}</Table.Td>
            {report.folds.map(({ fold, classes, questions }) => (
              <Table.Td key={fold} ta="right">
                {decimal((questions ?? classes)?.[row.name])}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
        <Table.Tr>
          <Table.Th scope="row">{t(asks ? "compare.meanAnswers" : "compare.mean")}</Table.Th>
          <Table.Td ta="right">{decimal(report.mean_accuracy ?? report.mean_dice)}</Table.Td>
          <Table.Td />
          {report.folds.map(({ fold, mean_accuracy, mean_dice }) => (
            <Table.Td key={fold} ta="right">
              {decimal(mean_accuracy ?? mean_dice)}
            </Table.Td>
          ))}
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}
