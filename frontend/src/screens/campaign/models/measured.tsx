import { Text } from "@mantine/core";
import { decimal, t } from "../../../i18n";

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
