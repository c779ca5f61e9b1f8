import { Paper, SegmentedControl, Select, Stack, Switch, Table, Text, Title } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Scroll } from "../../../components/scroll";
import { dateTime, decimal, number, t, tn } from "../../../i18n";
import { intervalText } from "./figures";

type Asked = Schemas["RunInputRequest"];
type Run = Schemas["RunOutput"];
type Report = Schemas["CrossOutput"];

const FOLDS = ["3", "5"] as const;

/** What kind of run is asked for, and of a cross-validation into how many folds. */
export function KindFields(props: { asked: Asked; onChange: (asked: Asked) => void }) {
  const { asked, onChange } = props;
  const cross = asked.kind === "cross";
  // What belongs to the other kind goes: it would be refused.
  const choose = (value: string) => {
    const { kind: _k, folds: _f, ensemble: _e, start: _s, donor: _d, ...rest } = asked;
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
          <Switch
            label={t("cross.ensemble")}
            description={t("cross.ensembleHelp")}
            checked={asked.ensemble ?? false}
            onChange={(event) => onChange({ ...asked, ensemble: event.currentTarget.checked })}
          />
        </>
      ) : null}
    </>
  );
}

/** The newest cross-validation: out of fold, by class, and what each fold came to. */
export function CrossReport({ runs }: { runs: readonly Run[] }) {
  const run = runs.find(({ report }) => report !== null);
  if (!run?.report) return null;
  const { report } = run;
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
        <Scroll label={t("cross.title")} minWidth={560}>
          <Folds report={report} />
        </Scroll>
        <Text size="sm" c="dimmed">
          {t("cross.note")}
        </Text>
      </Stack>
    </Paper>
  );
}

function Folds({ report }: { report: Report }) {
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t("metrics.class")}</Table.Th>
          <Table.Th ta="right">{t("metrics.dice")}</Table.Th>
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
        {report.classes.map((row) => (
          <Table.Tr key={row.name}>
            <Table.Th scope="row">{row.name}</Table.Th>
            <Table.Td ta="right">
              {decimal(row.dice)}
              <Text size="xs" c="dimmed">
                {intervalText(row.low, row.high)}
              </Text>
            </Table.Td>
            <Table.Td ta="right">{decimal(row.spread)}</Table.Td>
            {report.folds.map(({ fold, classes }) => (
              <Table.Td key={fold} ta="right">
                {decimal(classes[row.name])}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
        <Table.Tr>
          <Table.Th scope="row">{t("compare.mean")}</Table.Th>
          <Table.Td ta="right">{decimal(report.mean_dice)}</Table.Td>
          <Table.Td />
          {report.folds.map(({ fold, mean_dice }) => (
            <Table.Td key={fold} ta="right">
              {decimal(mean_dice)}
            </Table.Td>
          ))}
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}
