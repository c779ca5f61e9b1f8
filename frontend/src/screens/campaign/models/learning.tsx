import { Group, Paper, SegmentedControl, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../../api/client";
import { Plot, type PlotRow, type PlotSeries } from "../../../components/plot";
import { decimal, duration, number, t, word } from "../../../i18n";
import type { TabProps } from "../campaign";
import { Basis } from "./basis";
import { partSeries } from "./series";

type Axis = "labels" | "minutes";

interface Value {
  readonly value: number | null;
  readonly low?: number | null | undefined;
  readonly high?: number | null | undefined;
}

/** Dice by class, or accuracy by question. */
function valuesOf(point: Schemas["LearningPoint"]): [string, Value][] {
  const drawn = Object.entries(point.classes).map(
    ([name, { dice, low, high }]): [string, Value] => [name, { value: dice, low, high }],
  );
  const asked = Object.entries(point.questions).map(
    ([name, { accuracy, low, high }]): [string, Value] => [name, { value: accuracy, low, high }],
  );
  return [...drawn, ...asked];
}

/** Dice (or accuracy) of every champion against what it took: labels, or minutes of reading. */
export function LearningCurve(
  props: TabProps & { learning: Schemas["LearningOutput"] | undefined; choice?: boolean },
) {
  const { campaign, learning, choice = false } = props;
  const [axis, setAxis] = useState<Axis>("labels");
  // Not a word of what is not known yet: an empty curve would say that nothing was trained.
  if (!learning) return <Skeleton h={320} />;
  // Candidates that were not taken never served a reader; the curve is that of the champions.
  const points = learning.curve.filter((point) => point.shown);
  const asks = campaign.kind === "classification";
  const rows = points.map((point) => {
    const row: PlotRow = {
      version: point.number,
      labels: point.labels,
      minutes: point.minutes,
      mean: point.score,
      "held-out list": point.measured_on,
    };
    if (point.low !== null && point.high !== null) row["mean interval"] = [point.low, point.high];
    for (const [name, { value, low, high }] of valuesOf(point)) {
      row[name] = value;
      if (low != null && high != null) row[`${name} interval`] = [low, high];
    }
    return row;
  });
  const series = partSeries(campaign, (name) =>
    points.some(({ classes, questions }) => name in classes || name in questions),
  );
  const mean: PlotSeries = {
    key: "mean",
    name: t("overview.mean"),
    colour: "var(--mantine-color-text)",
    band: "mean interval",
  };
  return (
    <Plot
      title={t("overview.learning")}
      unit={t(asks ? "overview.learningUnitAnswers" : "overview.learningUnit")}
      xLabel={axis === "labels" ? t("overview.learningAxis") : t("learning.minutesAxis")}
      xKey={axis}
      rows={rows}
      series={series.length > 1 ? [...series, mean] : series}
      range={[0, 1]}
      empty={t(asks ? "overview.learningEmptyAnswers" : "overview.learningEmpty")}
      footer={
        <Stack gap={2} mt="xs">
          <Basis campaign={campaign} measured={learning.measured} />
          {choice && rows.length > 0 ? (
            <Group justify="flex-end">
              <SegmentedControl
                size="xs"
                aria-label={t("learning.against")}
                value={axis}
                onChange={(value) => setAxis(value as Axis)}
                data={[
                  { value: "labels", label: t("learning.labels") },
                  { value: "minutes", label: t("learning.minutes") },
                ]}
              />
            </Group>
          ) : null}
        </Stack>
      }
    />
  );
}

/** Whether the model's choice of cases teaches it more than chance would. */
export function SelectionCard(props: {
  selection: Schemas["SelectionOutput"] | null;
  kind: TabProps["campaign"]["kind"];
}) {
  const { selection, kind } = props;
  return (
    <Paper p="md" component="section" aria-label={t("selection.title")}>
      <Title order={2} mb={4}>
        {t("selection.title")}
      </Title>
      {selection ? (
        <Selection selection={selection} asks={kind === "classification"} />
      ) : (
        <Text>{t("selection.none")}</Text>
      )}
    </Paper>
  );
}

function Selection(props: { selection: Schemas["SelectionOutput"]; asks: boolean }) {
  const { selection, asks } = props;
  const { outcome, difference, low, high } = selection;
  return (
    <>
      <Text>{word("selection", outcome)}</Text>
      <Table my="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("selection.share")}</Table.Th>
            <Table.Th ta="right">{t("selection.cases")}</Table.Th>
            <Table.Th ta="right">{t(asks ? "selection.wrong" : "selection.error")}</Table.Th>
            <Table.Th ta="right">{t("selection.seconds")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {(["model", "random"] as const).map((share) => (
            <Table.Tr key={share}>
              <Table.Td>{t(`selection.${share}`)}</Table.Td>
              <Table.Td ta="right">{number(selection[share].cases)}</Table.Td>
              <Table.Td ta="right">{decimal(selection[share].error, 3)}</Table.Td>
              <Table.Td ta="right">{duration(selection[share].seconds)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {difference === null ? null : (
        <Text size="sm">
          {t("selection.difference", {
            difference: decimal(difference, 3),
            low: decimal(low, 3),
            high: decimal(high, 3),
          })}
        </Text>
      )}
      <Text size="sm" c="dimmed">
        {t("selection.estimate")}
      </Text>
    </>
  );
}
