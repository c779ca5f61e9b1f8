import { Button, Group } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client, type Schemas } from "../../api/client";
import { ErrorNote } from "../../components/errors";
import { t } from "../../i18n";

const LIVE: readonly string[] = ["queued", "running", "validating"];

export function isLive(run: Schemas["RunOutput"]): boolean {
  return LIVE.includes(run.state);
}

export function TrainNow({ slug }: { slug: string }) {
  const queries = useQueryClient();
  const train = useMutation({
    mutationFn: () =>
      body(client.POST("/api/v1/campaigns/{slug}/runs", { params: { path: { slug } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
  return (
    <Group gap="xs">
      <ErrorNote error={train.error} />
      <Button
        size="compact-sm"
        variant="default"
        loading={train.isPending}
        onClick={() => train.mutate()}
      >
        {t("run.now")}
      </Button>
    </Group>
  );
}

export function CancelRun({ run, slug }: { run: Schemas["RunOutput"]; slug: string }) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () =>
      body(client.POST("/api/v1/runs/{id}/cancel", { params: { path: { id: run.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
  return (
    <Group gap="xs">
      <ErrorNote error={cancel.error} />
      <Button
        size="compact-sm"
        variant="default"
        disabled={run.cancel_requested}
        loading={cancel.isPending}
        onClick={() => cancel.mutate()}
      >
        {run.cancel_requested ? t("run.cancelling") : t("run.cancel")}
      </Button>
    </Group>
  );
}
