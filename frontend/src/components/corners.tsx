import type { Schemas } from "../api/client";
import { edgesOf } from "../domain/edges";
import { scaleBar, type View } from "../domain/geometry";
import { number, t } from "../i18n";
import classes from "../styles/workstation.module.css";

type Image = Schemas["ImageOutput"];

/** Where the sides of the screen point on the patient, where the file says. */
export function Letters({ axes, view }: { axes: Image["axes"]; view: View | null }) {
  if (!view || !axes) return null;
  const edges = edgesOf(axes, view);
  return (
    <div className={classes.letters} role="img" aria-label={t("work.edges", { ...edges })}>
      {(["left", "right", "top", "bottom"] as const).map((side) => (
        <span key={side} data-side={side}>
          {edges[side]}
        </span>
      ))}
    </div>
  );
}

/** A length to measure by, where the spacing is known. */
export function ScaleBar({ spacing, view }: { spacing: Image["spacing"]; view: View | null }) {
  const bar = view ? scaleBar(view, spacing) : null;
  if (!bar) return null;
  const { millimetres: mm } = bar;
  return (
    <div className={classes.bottomRight}>
      {mm >= 10
        ? t("work.centimetres", { n: number(mm / 10, 1) })
        : t("work.millimetres", { n: number(mm, 3) })}
      <div className={classes.scale} style={{ width: bar.pixels }} />
    </div>
  );
}
