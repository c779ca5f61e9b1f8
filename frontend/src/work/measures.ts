/** Measurements in the reader's words. */
import { angleOf, lengthOf, type Measure, type Spacing } from "../domain/measure";
import { decimal, t } from "../i18n";

export function inWords({ kind, points }: Measure, spacing: Spacing): string {
  const [a, b, c] = points;
  if (!a || !b) return "";
  if (kind === "angle") {
    return c ? t("measure.degrees", { n: decimal(angleOf(a, b, c, spacing), 1) }) : "";
  }
  const { value, unit } = lengthOf(a, b, spacing);
  return unit === "mm"
    ? t("measure.mm", { n: decimal(value, 1) })
    : t("measure.px", { n: decimal(value, 1) });
}
