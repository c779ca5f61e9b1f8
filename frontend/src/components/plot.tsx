import { Anchor, Group, Paper, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Legend,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { number, t } from "../i18n";

export type PlotRow = Record<string, number | string | null | [number, number]>;

export interface PlotSeries {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
  readonly dashes?: string;
  /** The key of [low, high] pairs to draw as a band. */
  readonly band?: string;
  readonly dotsOnly?: boolean;
}

interface Props {
  readonly title: string;
  /** What the upright axis measures, on what. */
  readonly unit: string;
  readonly xLabel?: string;
  readonly xKey: string;
  readonly rows: readonly PlotRow[];
  readonly series: readonly PlotSeries[];
  readonly range?: [number, number];
  readonly xFormat?: (value: number) => string;
  readonly digits?: number;
  readonly empty: string;
  readonly footer?: ReactNode;
}

/** A plot with named axes, units, intervals as bands, and its figures as CSV. */
export function Plot(props: Props) {
  const { title, unit, rows, empty, footer } = props;
  return (
    <Paper p="md" component="section" aria-label={title}>
      <Group justify="space-between" align="baseline" mb={4} wrap="nowrap">
        <Title order={2}>{title}</Title>
        {rows.length > 0 ? (
          <Anchor
            size="sm"
            download={`${title.toLowerCase().replaceAll(" ", "-")}.csv`}
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(csv(rows))}`}
            aria-label={t("overview.csv", { plot: title })}
          >
            {t("overview.csvShort")}
          </Anchor>
        ) : null}
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {unit}
      </Text>
      <div style={{ height: rows.length > 0 ? 230 : 110 }}>
        {rows.length > 0 ? (
          <Chart {...props} />
        ) : (
          <Text c="dimmed" ta="center" pt={30} maw={360} mx="auto">
            {empty}
          </Text>
        )}
      </div>
      {footer}
    </Paper>
  );
}

function Chart({ rows, series, xKey, xLabel, range, xFormat, digits = 2 }: Props) {
  const ink = "var(--mantine-color-dimmed)";
  const tick = { fill: ink, fontSize: 12 };
  const format = xFormat ?? ((value: number) => number(value));
  return (
    <ResponsiveContainer width="100%" height="100%">
      <ComposedChart
        data={[...rows]}
        margin={{ top: 6, right: 12, bottom: xLabel ? 18 : 4, left: 0 }}
      >
        <CartesianGrid stroke="var(--reticle-line)" vertical={false} />
        <XAxis
          dataKey={xKey}
          type="number"
          domain={["dataMin", "dataMax"]}
          tick={tick}
          tickFormatter={format}
          stroke="var(--reticle-line)"
          allowDecimals={false}
          {...(xLabel
            ? {
                label: {
                  value: xLabel,
                  position: "insideBottom",
                  offset: -12,
                  fill: ink,
                  fontSize: 12,
                },
              }
            : {})}
        />
        <YAxis
          width={44}
          tick={tick}
          stroke="var(--reticle-line)"
          domain={range ?? [0, "auto"]}
          allowDecimals={digits > 0}
          tickFormatter={(value: number) => number(value, digits)}
        />
        <Tooltip
          isAnimationActive={false}
          labelFormatter={(value) => `${xLabel ? `${xLabel}: ` : ""}${format(Number(value))}`}
          formatter={(value) =>
            Array.isArray(value)
              ? value.map((each) => number(Number(each), digits)).join(" – ")
              : number(Number(value), digits)
          }
          contentStyle={{
            background: "var(--reticle-panel)",
            border: "1px solid var(--reticle-line)",
            borderRadius: 6,
            fontSize: 12,
          }}
        />
        {series.length > 1 ? (
          <Legend
            verticalAlign="top"
            height={26}
            wrapperStyle={{ fontSize: 12 }}
            iconType="plainline"
          />
        ) : null}
        {series.map(({ key, band, colour, name }) =>
          band ? (
            <Area
              key={`${key} band`}
              dataKey={band}
              name={name}
              stroke="none"
              fill={colour}
              fillOpacity={0.14}
              legendType="none"
              tooltipType="none"
              isAnimationActive={false}
              connectNulls
            />
          ) : null,
        )}
        {series.map(({ key, name, colour, dashes, dotsOnly }) => (
          <Line
            key={key}
            dataKey={key}
            name={name}
            stroke={colour}
            strokeWidth={dotsOnly ? 0 : 2}
            {...(dashes ? { strokeDasharray: dashes } : {})}
            dot={{ r: dotsOnly ? 2.5 : 3, fill: colour, strokeWidth: 0 }}
            isAnimationActive={false}
            connectNulls
          />
        ))}
      </ComposedChart>
    </ResponsiveContainer>
  );
}

function csv(rows: readonly PlotRow[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: PlotRow[string] | undefined) => {
    const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [keys.join(","), ...rows.map((row) => keys.map((key) => cell(row[key])).join(","))].join(
    "\n",
  );
}
