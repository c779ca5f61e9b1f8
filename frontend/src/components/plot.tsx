import { Button, Group, Paper, Table, Text, Title } from "@mantine/core";
import { useRef, useState } from "react";
import { csv } from "../domain/plot";
import { number, t } from "../i18n";
import styles from "../styles/plot.module.css";
import { Chart, cell, Mark, type PlotProps, type PlotRow, type PlotSeries } from "./chart";
import { savePng } from "./picture";
import { Scroll } from "./scroll";

export type { PlotRow, PlotSeries };

/** A plot with named axes, units, intervals as bands, and its figures as table, CSV and PNG. */
export function Plot(props: PlotProps) {
  const { title, unit, rows, empty, footer } = props;
  const frame = useRef<HTMLDivElement>(null);
  const file = title.toLowerCase().replaceAll(" ", "-");
  const drawn = rows.length > 0;
  const png = () => {
    const svg = frame.current?.querySelector<SVGSVGElement>("svg[role=img]");
    const legend = [...(frame.current?.querySelectorAll("li") ?? [])];
    if (svg) void savePng(svg, { title, unit, legend }, `${file}.png`);
  };
  return (
    <Paper p="md" component="section" aria-label={title}>
      <Group justify="space-between" align="baseline" mb={4} wrap="nowrap">
        <Title order={2}>{title}</Title>
        {drawn ? (
          <Group gap={4} wrap="nowrap">
            <Button
              size="compact-sm"
              variant="subtle"
              onClick={png}
              aria-label={t("plot.png", { plot: title })}
            >
              {t("plot.pngShort")}
            </Button>
            <Button
              size="compact-sm"
              variant="subtle"
              component="a"
              download={`${file}.csv`}
              href={`data:text/csv;charset=utf-8,${encodeURIComponent(csv(rows))}`}
              aria-label={t("overview.csv", { plot: title })}
            >
              {t("overview.csvShort")}
            </Button>
          </Group>
        ) : null}
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {unit}
      </Text>
      {drawn ? (
        <>
          <div ref={frame}>
            <Legend series={props.series} />
            <Chart {...props} />
          </div>
          <Figures {...props} />
        </>
      ) : (
        <Text c="dimmed" ta="center" py={30} maw={360} mx="auto">
          {empty}
        </Text>
      )}
      {footer}
    </Paper>
  );
}

function Legend({ series }: { series: readonly PlotSeries[] }) {
  if (series.length < 2) return null;
  return (
    <ul className={styles.legend}>
      {series.map((each) => (
        <li key={each.key}>
          <svg width={26} height={10} aria-hidden="true">
            <Mark series={each} />
          </svg>
          {each.name}
        </li>
      ))}
    </ul>
  );
}

/** The same figures as a table, for those who cannot see the picture or want the numbers. */
function Figures(props: PlotProps) {
  const { title, rows, series, xKey, xLabel, unit, digits = 2, xDigits = 0 } = props;
  const format = props.xFormat ?? ((value: number) => number(value, xDigits));
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.figures} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("overview.curveTable", { plot: title })}</summary>
      {open ? (
        <Scroll label={title} minWidth={300} maxHeight={260}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{xLabel ?? unit}</Table.Th>
                {series.map((each) => (
                  <Table.Th key={each.key}>{each.name}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
                <Table.Tr key={index}>
                  <Table.Td>{format(Number(row[xKey]))}</Table.Td>
                  {series.map((each) => (
                    <Table.Td key={each.key}>{cell(row, each, digits)}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      ) : null}
    </details>
  );
}
