/** Groups below each other: a dot with its interval each, against a line for the whole. */
import { extent, scale, ticks, widened } from "../domain/plot";
import { number } from "../i18n";
import styles from "../styles/plot.module.css";

export interface Dot {
  readonly name: string;
  /** What the group is one of: dots of another kind stand apart. */
  readonly kind: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

interface DotsProps {
  /** What is drawn, in words: the alternative to the picture. */
  readonly label: string;
  readonly dots: readonly Dot[];
  /** The value of the whole. */
  readonly whole: number | null;
  readonly digits?: number;
}

/** Places are shares of the width, so that names take the room they need and nothing is measured. */
export function Dots({ label, dots, whole, digits = 2 }: DotsProps) {
  const ends = dots.flatMap(({ value, low, high }) => [value, low, high]);
  const shown = widened(extent([...ends, whole]) ?? [0, 1]);
  const toX = scale(shown, [0, 100]);
  const marks = ticks(shown, 4).map((value) => ({ value, x: percent(toX(value)) }));
  return (
    <div role="img" aria-label={label} className={styles.dots}>
      {dots.map((dot, i) => (
        <div key={dot.name} className={styles.dot} data-apart={dot.kind !== dots[i - 1]?.kind}>
          <span>{dot.name}</span>
          <svg aria-hidden="true">
            {marks.map(({ value, x }) => (
              <line key={value} x1={x} x2={x} y1="0" y2="100%" stroke="var(--reticle-line)" />
            ))}
            {whole === null ? null : <Whole x={percent(toX(whole))} />}
            {dot.low === null || dot.high === null ? null : (
              <line
                data-part="interval"
                x1={percent(toX(dot.low))}
                x2={percent(toX(dot.high))}
                y1="50%"
                y2="50%"
                stroke="var(--reticle-accent)"
                strokeWidth={2}
              />
            )}
            <circle cx={percent(toX(dot.value))} cy="50%" r={4.5} fill="var(--reticle-accent)" />
          </svg>
        </div>
      ))}
      <div className={styles.dot}>
        <span />
        <svg aria-hidden="true" fontSize={12} fill="var(--mantine-color-dimmed)">
          {marks.map(({ value, x }) => (
            <text key={value} x={x} y={14} textAnchor="middle">
              {number(value, digits)}
            </text>
          ))}
        </svg>
      </div>
    </div>
  );
}

function Whole({ x }: { x: string }) {
  return (
    <line
      data-part="whole"
      x1={x}
      x2={x}
      y1="0"
      y2="100%"
      stroke="var(--mantine-color-dimmed)"
      strokeWidth={1.5}
      strokeDasharray="3 3"
    />
  );
}

const percent = (share: number) => `${Number(share.toFixed(2))}%`;
