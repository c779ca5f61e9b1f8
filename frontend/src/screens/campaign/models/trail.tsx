import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { t } from "../../../i18n";

/** The way back from a page of one model. */
export function Trail({ slug, name }: { slug: string; name: string }) {
  return (
    <Anchor component={Link} to={`/campaigns/${slug}/models`} truncate>
      {name} · {t("tab.models")}
    </Anchor>
  );
}
