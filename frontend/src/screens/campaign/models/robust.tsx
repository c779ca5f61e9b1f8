import { Button, Text } from "@mantine/core";
import { body, client, type Schemas } from "../../../api/client";
import { ErrorNote } from "../../../components/errors";
import { t } from "../../../i18n";
import { useCampaignChange } from "./runs";

type Detail = Schemas["ModelDetailOutput"];

/** Have a model put to the trial that champions are put to by themselves. */
export function AskRobustness(props: { model: Detail; slug: string; manages: boolean }) {
  const { model, slug, manages } = props;
  const ask = useCampaignChange(slug, () =>
    body(client.POST("/api/v1/models/{id}/robustness", { params: { path: { id: model.id } } })),
  );
  if (model.robustness) return null;
  const failed = model.robustness_error;
  return (
    <>
      <Text size="sm" role="status">
        {model.robustness_asked
          ? t("robust.asked")
          : failed
            ? t("robust.failed", { why: failed })
            : ""}
      </Text>
      <ErrorNote error={ask.error} />
      {manages && !model.robustness_asked && model.evaluated_at ? (
        <Button
          mt="xs"
          size="compact-sm"
          variant="default"
          loading={ask.isPending}
          onClick={() => ask.mutate()}
        >
          {t("robust.ask")}
        </Button>
      ) : null}
    </>
  );
}
