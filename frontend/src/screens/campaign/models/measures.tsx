import { Paper, Table, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import type { Schemas } from "../../../api/client";
import { Plot } from "../../../components/plot";
import { Scroll } from "../../../components/scroll";
import { decimal, list, number, t, tn, word } from "../../../i18n";
import { type Grade, gradeOf, signed } from "./figures";
import { Interval, Measured } from "./measured";

type Detail = Schemas["ModelDetailOutput"];
export type Metric = keyof typeof METRICS;

/** The metrics of a class in the order of the table, with their decimals. */
export const METRICS = {
  dice: 2,
  iou: 2,
  hd95: 1,
  surface_dice: 2,
  sensitivity: 2,
  lesion_sensitivity: 2,
  false_positives_per_image: 2,
} as const satisfies Partial<Record<keyof Schemas["ClassMetrics"], number>>;

const NAMES = Object.keys(METRICS) as Metric[];

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper p="md" component="section" aria-label={title}>
      <Title order={2} mb={4}>
        {title}
      </Title>
      {children}
    </Paper>
  );
}

export function ClassTable({ model }: { model: Detail }) {
  return (
    <Section title={t("metrics.title")}>
      <Text size="sm" c="dimmed">
        {t("metrics.help")}
      </Text>
      <Scroll label={t("metrics.title")} minWidth={820}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("metrics.class")}</Table.Th>
              <Table.Th ta="right">{t("metrics.patients")}</Table.Th>
              {NAMES.map((name) => (
                <Table.Th key={name} ta="right">
                  {t(`metrics.${name}`)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {model.metrics.map((row) => (
              <Table.Tr key={row.name}>
                <Table.Th scope="row">
                  {row.name}
                  {row.left_out ? (
                    <Text size="xs" c="dimmed" fw={400}>
                      {tn("metrics.left_out", row.left_out)}
                    </Text>
                  ) : null}
                </Table.Th>
                <Table.Td ta="right">
                  <Measured value={row.patients} digits={0} />
                </Table.Td>
                {NAMES.map((name) => (
                  <Table.Td key={name} ta="right">
                    <Measured value={row[name]} digits={METRICS[name]} />
                    <Interval {...ends(row, name)} digits={METRICS[name]} />
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Section>
  );
}

/** The ends of a metric's interval; those of Dice have no name of their own. */
function ends(row: Schemas["ClassMetrics"], name: Metric) {
  return name === "dice"
    ? { low: row.low, high: row.high }
    : { low: row[`${name}_low`], high: row[`${name}_high`] };
}

/** Of fewer pixels of like confidence a share is chance. */
const TELLING = 20;

export function Calibration({ model }: { model: Detail }) {
  const found = model.calibration;
  const bins = (found?.reliability ?? []).filter(({ count }) => count >= TELLING);
  return (
    <Plot
      title={t("calibration.title")}
      unit={t("calibration.unit", { least: number(TELLING) })}
      xLabel={t("calibration.axis")}
      xKey="confidence"
      xDigits={2}
      rows={bins.map((bin) => ({ ...bin }))}
      series={[
        { key: "accuracy", name: t("calibration.accuracy"), colour: "var(--reticle-accent)" },
      ]}
      range={[0, 1]}
      xRange={[0, 1]}
      diagonal
      empty={t("calibration.none")}
      footer={
        found ? (
          <Text size="sm" mt="xs">
            {t("calibration.ece", {
              before: decimal(found.ece, 3),
              after: found.ece_scaled === null ? "–" : decimal(found.ece_scaled, 3),
              temperature: decimal(found.temperature),
            })}
          </Text>
        ) : null
      }
    />
  );
}

const SHADES = {
  holds: "var(--reticle-good)",
  falls: "var(--reticle-attention)",
  fails: "var(--reticle-danger)",
} as const satisfies Record<Grade, string>;

/** `parts`: the questions to give a column each; of drawings the mean is enough. */
export function Robustness(props: {
  model: Detail;
  parts?: readonly Part[];
  children?: ReactNode;
}) {
  const { model, parts = [], children } = props;
  const found = model.robustness;
  const asks = model.metric === "accuracy";
  const of = {
    cases: number(found?.examples ?? 0),
    parts: list((found?.averaged ?? []).map((name) => textOf(name, parts))),
  };
  return (
    <Section title={t("robust.title")}>
      <Text size="sm" c="dimmed">
        {found ? t(asks ? "robust.helpAnswers" : "robust.help", of) : t("robust.none")}
      </Text>
      {found ? (
        <Scroll label={t("robust.title")} minWidth={420 + 90 * parts.length}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("robust.change")}</Table.Th>
                <Table.Th ta="right">{t("robust.strength")}</Table.Th>
                {parts.map(({ name, text }) => (
                  <Table.Th key={name} ta="right">
                    {text}
                  </Table.Th>
                ))}
                <Table.Th ta="right">
                  {t(asks ? "subgroups.meanAccuracy" : "subgroups.mean")}
                </Table.Th>
                <Table.Th ta="right">{t("robust.fall")}</Table.Th>
                <Table.Th>{t("robust.grade")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              <Table.Tr>
                <Table.Th scope="row">{t("robust.clean")}</Table.Th>
                <Table.Td />
                <PartCells values={found.clean} parts={parts} />
                <Table.Td ta="right">
                  <Measured value={found.mean} />
                </Table.Td>
                <Table.Td />
                <Table.Td />
              </Table.Tr>
              {found.changes.map((row) => (
                <Change key={`${row.change} ${row.strength}`} row={row} parts={parts} />
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      ) : null}
      {children}
    </Section>
  );
}

interface Part {
  readonly name: string;
  readonly text: string;
}

/** A class by its name, a question in its words. */
const textOf = (name: string, parts: readonly Part[]) =>
  parts.find((part) => part.name === name)?.text ?? name;

function PartCells(props: { values: Record<string, number | null>; parts: readonly Part[] }) {
  return props.parts.map(({ name }) => (
    <Table.Td key={name} ta="right">
      <Measured value={props.values[name]} />
    </Table.Td>
  ));
}

/** A fall is told by its number, a word and a colour. */
function Change({ row, parts }: { row: Schemas["ChangeOutput"]; parts: readonly Part[] }) {
  const grade = row.fall === null ? null : gradeOf(row.fall);
  return (
    <Table.Tr>
      <Table.Th scope="row">{word("robust.change", row.change)}</Table.Th>
      <Table.Td ta="right">{number(row.strength, 3)}</Table.Td>
      <PartCells values={row.parts} parts={parts} />
      <Table.Td ta="right">
        <Measured value={row.mean} />
      </Table.Td>
      <Table.Td ta="right">{row.fall === null ? "" : signed(-row.fall)}</Table.Td>
      <Table.Td style={grade ? { color: SHADES[grade] } : {}}>
        {grade ? t(`robust.grade.${grade}`) : ""}
      </Table.Td>
    </Table.Tr>
  );
}
