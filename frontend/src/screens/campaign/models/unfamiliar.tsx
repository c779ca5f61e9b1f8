import { Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { decimal, t } from "../../../i18n";
import classes from "../../../styles/plot.module.css";
import { Section } from "./measures";

/** Cases still to be read that are unlike those the model knows. */
export function Unfamiliar({ cases }: { cases: readonly Schemas["UnfamiliarOutput"][] }) {
  return (
    <Section title={t("unfamiliar.title")}>
      <Text size="sm" c="dimmed">
        {cases.length ? t("unfamiliar.help") : t("unfamiliar.none")}
      </Text>
      <ul className={classes.cases}>
        {cases.map((each) => (
          <li key={each.case}>
            <img src={each.thumbnail_url} alt={t("cases.thumbnail", { id: each.case })} />
            <Text size="xs">
              {t("unfamiliar.case", {
                id: each.case,
                patient: each.patient,
                slice: each.slice + 1,
                beyond: decimal(each.beyond, 1),
              })}
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  );
}
