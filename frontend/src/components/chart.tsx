import { useElementSize } from "@mantine/hooks";
import { type PointerEvent, type ReactNode, useState } from "react";
import {
  bandPath,
  extent,
  linePath,
  nearest,
  type Range,
  scale,
  ticks,
  timeTicks,
  widened,
  withEnds,
} from "../domain/plot";
import { number, t } from "../i18n";
import styles from "../styles/plot.module.css";

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

export interface PlotProps {
  readonly title: string;
  /** What the upright axis measures, on what. */
  readonly unit: string;
  readonly xLabel?: string;
  readonly xKey: string;
  readonly rows: readonly PlotRow[];
  readonly series: readonly PlotSeries[];
  readonly range?: Range;
  readonly xRange?: Range;
  readonly xFormat?: (value: number) => string;
  /** The other axis is time, in ms. */
  readonly xTime?: boolean;
  /** Decimals of the upright axis, and of the other one. */
  readonly digits?: number;
  readonly xDigits?: number;
  /** A thin line where both axes are equal. */
  readonly diagonal?: boolean;
  readonly empty: string;
  readonly footer?: ReactNode;
}

const HEIGHT = 230;

/** A series' line or dot, as in the legend. */
export function Mark({ series, y = 5 }: { series: PlotSeries; y?: number }) {
  const { colour, dashes, dotsOnly } = series;
  if (dotsOnly) return <circle cx={13} cy={y} r={3} fill={colour} />;
  return (
    <line x1={0} x2={26} y1={y} y2={y} stroke={colour} strokeWidth={2} strokeDasharray={dashes} />
  );
}

const HALF_AN_HOUR = 30 * 60_000;
/** As much room as a number below the axis takes, in pixels. */
const LABEL = 44;
const MARGIN = { top: 8, right: 14, bottom: 24, left: 46 };

/** Where values lie within a picture of a width. */
function layout(props: PlotProps, width: number) {
  const { rows, series, xKey, xLabel, range, xRange, xTime } = props;
  const x = rows.map((row) => Number(row[xKey]));
  const values = rows.flatMap((row) => series.map(({ key }) => figure(row[key])));
  const highest = extent(values)?.[1] ?? 1;
  const across = xRange ?? extent(x) ?? [0, 1];
  const domain = {
    x: widened(across, xTime ? HALF_AN_HOUR : undefined),
    y: range ?? ([0, highest || 1] as const),
  };
  const bottom = HEIGHT - MARGIN.bottom - (xLabel ? 18 : 0);
  return {
    x,
    domain,
    bottom,
    right: width - MARGIN.right,
    toX: scale(domain.x, [MARGIN.left, width - MARGIN.right]),
    toY: scale(domain.y, [bottom, MARGIN.top]),
  };
}

type Layout = ReturnType<typeof layout>;

function figure(value: PlotRow[string] | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** The picture itself: axes, bands, lines, and the figures under the pointer. */
export function Chart(props: PlotProps) {
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number | null>(null);
  const { rows, series, title } = props;
  const place = layout(props, width);
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(nearest(place.x.map(place.toX), event.clientX - box.left));
  };
  return (
    <div ref={ref} className={styles.chart} style={{ height: HEIGHT }}>
      {width > 0 ? (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={t("plot.label", { plot: title })}
          onPointerMove={point}
          onPointerLeave={() => setAt(null)}
        >
          <Axes {...props} place={place} />
          {props.diagonal ? (
            <line
              x1={place.toX(place.domain.x[0])}
              y1={place.toY(place.domain.x[0])}
              x2={place.toX(place.domain.x[1])}
              y2={place.toY(place.domain.x[1])}
              stroke="var(--mantine-color-dimmed)"
              strokeDasharray="3 3"
            />
          ) : null}
          {series.map((each) => (
            <Band key={each.key} series={each} rows={rows} place={place} />
          ))}
          {series.map((each) => (
            <Curve key={each.key} series={each} rows={rows} place={place} />
          ))}
          {at !== null && at >= 0 ? (
            <line
              x1={place.toX(place.x[at]!)}
              x2={place.toX(place.x[at]!)}
              y1={MARGIN.top}
              y2={place.bottom}
              stroke="var(--mantine-color-dimmed)"
            />
          ) : null}
        </svg>
      ) : null}
      {at !== null && at >= 0 ? <Readout {...props} at={at} place={place} /> : null}
    </div>
  );
}

function Axes(props: PlotProps & { place: Layout }) {
  const { place, xLabel, digits = 2, xDigits = 0 } = props;
  const format = props.xFormat ?? ((value: number) => number(value, xDigits));
  const { toX, toY, bottom, right, domain } = place;
  const ink = "var(--mantine-color-dimmed)";
  const count = Math.max(2, Math.floor(right / 110));
  const round = ticks(domain.x, count, xDigits === 0);
  const ends = props.xRange ? null : extent(place.x);
  const apart = ((domain.x[1] - domain.x[0]) * LABEL) / Math.max(1, right - MARGIN.left);
  const places = props.xTime
    ? timeTicks(domain.x, count)
    : ends
      ? withEnds(round, ends, apart)
      : round;
  return (
    <g fontSize={12} fill={ink} stroke="none">
      {ticks(domain.y, 4, digits === 0).map((value) => (
        <g key={value}>
          <line
            x1={MARGIN.left}
            x2={right}
            y1={toY(value)}
            y2={toY(value)}
            stroke="var(--reticle-line)"
          />
          <text x={MARGIN.left - 6} y={toY(value) + 4} textAnchor="end">
            {number(value, digits)}
          </text>
        </g>
      ))}
      <line x1={MARGIN.left} x2={right} y1={bottom} y2={bottom} stroke="var(--reticle-line)" />
      {places.map((value) => (
        <text key={value} x={toX(value)} y={bottom + 16} textAnchor="middle">
          {format(value)}
        </text>
      ))}
      {xLabel ? (
        <text x={(MARGIN.left + right) / 2} y={HEIGHT - 4} textAnchor="middle">
          {xLabel}
        </text>
      ) : null}
    </g>
  );
}

interface Drawn {
  readonly series: PlotSeries;
  readonly rows: readonly PlotRow[];
  readonly place: Layout;
}

function Band({ series: { band, colour }, rows, place: { x, toX, toY } }: Drawn) {
  if (!band) return null;
  const ends = rows.flatMap((row, index) => {
    const pair = row[band];
    return Array.isArray(pair) ? [[toX(x[index]!), toY(pair[0]), toY(pair[1])] as const] : [];
  });
  const only = ends.length === 1 ? ends[0]! : null;
  return only ? (
    <line x1={only[0]} x2={only[0]} y1={only[1]} y2={only[2]} stroke={colour} strokeWidth={1} />
  ) : (
    <path d={bandPath(ends)} fill={colour} fillOpacity={0.14} stroke="none" />
  );
}

function Curve({ series, rows, place: { x, toX, toY } }: Drawn) {
  const { key, colour, dashes, dotsOnly } = series;
  const points = rows.flatMap((row, index) => {
    const value = figure(row[key]);
    return value === null ? [] : [[toX(x[index]!), toY(value)] as const];
  });
  const radius = dotsOnly ? 2.5 : points.length > 40 ? 0 : 3;
  return (
    <g stroke="none" fill="none">
      {dotsOnly ? null : (
        <path d={linePath(points)} stroke={colour} strokeWidth={2} strokeDasharray={dashes} />
      )}
      {points.map(([left, top]) => (
        <circle key={`${left} ${top}`} cx={left} cy={top} r={radius} fill={colour} />
      ))}
    </g>
  );
}

/** The figures under the pointer. */
function Readout(props: PlotProps & { at: number; place: Layout }) {
  const { at, place, rows, series, xLabel, digits = 2, xDigits = 0 } = props;
  const format = props.xFormat ?? ((value: number) => number(value, xDigits));
  const there = format(place.x[at]!);
  const left = place.toX(place.x[at]!);
  const side = left > place.right / 2 ? { right: place.right - left + 22 } : { left: left + 8 };
  return (
    <div className={styles.readout} style={side} aria-hidden="true">
      <div>{xLabel ? t("app.named", { name: xLabel, value: there }) : there}</div>
      {series.map((each) => {
        const text = cell(rows[at]!, each, digits);
        return text ? (
          <div key={each.key}>
            <svg width={26} height={10} aria-hidden="true">
              <Mark series={each} />
            </svg>{" "}
            {each.name} {text}
          </div>
        ) : null;
      })}
    </div>
  );
}

/** A figure with its interval; "" where there is none. */
export function cell(row: PlotRow, { key, band }: PlotSeries, digits: number): string {
  const value = figure(row[key]);
  if (value === null) return "";
  const ends = band ? row[band] : null;
  const within = Array.isArray(ends)
    ? ` (${ends.map((end) => number(end, digits)).join(" – ")})`
    : "";
  return number(value, digits) + within;
}
