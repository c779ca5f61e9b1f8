import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { decimal, t } from "../../../i18n";
import { intervalText } from "./figures";

/** A figure, or the plain statement that nobody measured it. */
export function Measured({
  value,
  digits = 2,
}: {
  value: number | null | undefined;
  digits?: number;
}) {
  if (value === null || value === undefined) {
    return (
      <Text span size="xs" c="dimmed">
        {t("modelPage.notMeasured")}
      </Text>
    );
  }
  return decimal(value, digits);
}

interface IntervalProps {
  low: number | null;
  high: number | null;
  digits?: number;
}

/** The interval below a number; of one patient, or by an earlier release, there is none. */
export function Interval({ low, high, digits = 2 }: IntervalProps) {
  if (low === null) return null;
  return <Below>{intervalText(low, high, digits)}</Below>;
}

/** A small line below a number or a name, unbroken however narrow the column. */
export function Below({ children }: { children: ReactNode }) {
  return (
    <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
      {children}
    </Text>
  );
}
