import { Badge, Button, Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { IconStarFilled } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { body, client, type Schemas } from "../../api/client";
import { modelsQuery, runsQuery } from "../../api/queries";
import { Hash } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Empty } from "../../components/page";
import { dateTime, decimal, number, t, tn, word } from "../../i18n";
import type { TabProps } from "./campaign";
import { CancelRun, isLive, TrainNow } from "./runs";

export function ModelsTab({ campaign }: TabProps) {
  const { slug, roles } = campaign;
  const manages = roles.includes("manager");
  const models = useQuery(modelsQuery(slug));
  const training = useQuery(runsQuery(slug)).data?.some(isLive) ?? true;
  const rollBack = useRefreshing(slug, () =>
    body(client.POST("/api/v1/campaigns/{slug}/rollback", { params: { path: { slug } } })),
  );
  const retired = models.data?.some((model) => model.state === "retired");
  return (
    <Stack gap="md">
      <ErrorNote error={models.error ?? rollBack.error} />
      {manages ? (
        <Group gap="xs">
          {training ? null : <TrainNow slug={slug} />}
          {retired ? (
            <Button
              size="compact-sm"
              variant="default"
              loading={rollBack.isPending}
              onClick={() => rollBack.mutate()}
            >
              {t("models.rollback")}
            </Button>
          ) : null}
        </Group>
      ) : null}
      {models.data?.length === 0 ? (
        <Empty title={t("models.empty")}>{t("models.emptyHelp")}</Empty>
      ) : (
        <Paper>
          <Table.ScrollContainer minWidth={900}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("models.version")}</Table.Th>
                  <Table.Th>{t("models.state")}</Table.Th>
                  <Table.Th ta="right">{t("models.labels")}</Table.Th>
                  <Table.Th ta="right">{t("models.dice")}</Table.Th>
                  <Table.Th>{t("models.classes")}</Table.Th>
                  <Table.Th>{t("models.decision")}</Table.Th>
                  <Table.Th>{t("models.created")}</Table.Th>
                  <Table.Th>{t("models.weights")}</Table.Th>
                  <Table.Th w={80} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {models.data?.map((model) => (
                  <Model key={model.id} model={model} slug={slug} manages={manages} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
      <Runs slug={slug} manages={manages} />
    </Stack>
  );
}

function useRefreshing<T>(slug: string, act: () => Promise<T>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
}

function Model(props: { model: Schemas["ModelOutput"]; slug: string; manages: boolean }) {
  const { model, slug, manages } = props;
  const promote = useRefreshing(slug, () =>
    body(client.POST("/api/v1/models/{id}/promote", { params: { path: { id: model.id } } })),
  );
  const champion = model.state === "champion";
  return (
    <Table.Tr>
      <Table.Td fw={600}>v{model.number}</Table.Td>
      <Table.Td>
        <Badge
          variant={champion ? "filled" : "light"}
          color={champion ? "accent" : "gray"}
          tt="none"
          leftSection={champion ? <IconStarFilled size={10} aria-hidden /> : null}
        >
          {word("model", model.state)}
        </Badge>
      </Table.Td>
      <Table.Td ta="right">{number(model.labels)}</Table.Td>
      <Table.Td ta="right">{decimal(model.mean_dice)}</Table.Td>
      <Table.Td>
        {Object.entries(model.classes).map(([name, score]) => (
          <ClassScore key={name} name={name} score={score} />
        ))}
      </Table.Td>
      <Table.Td maw={300}>
        {model.decision?.reasons.map((reason) => (
          <Text key={reason} size="sm">
            {reason}
          </Text>
        ))}
        <ErrorNote error={promote.error} />
      </Table.Td>
      <Table.Td>{dateTime(model.created_at)}</Table.Td>
      <Table.Td>
        <Hash value={model.weights_sha256} />
      </Table.Td>
      <Table.Td>
        {manages && !champion ? (
          <Button
            size="compact-xs"
            variant="default"
            loading={promote.isPending}
            aria-label={t("models.promote", { number: model.number })}
            onClick={() => promote.mutate()}
          >
            {t("models.promoteShort")}
          </Button>
        ) : null}
      </Table.Td>
    </Table.Tr>
  );
}

/** Value, interval, and how many patients it was measured on. */
function ClassScore({ name, score }: { name: string; score: Schemas["ClassDice"] }) {
  const { dice, low, high, patients } = score;
  const interval = low != null && high != null ? ` (${decimal(low)} – ${decimal(high)})` : "";
  return (
    <Text size="sm" style={{ whiteSpace: "nowrap" }}>
      {name} {decimal(dice)}
      <Text span size="xs" c="dimmed">
        {interval} {patients != null ? tn("models.patients", patients) : ""}
      </Text>
    </Text>
  );
}

function Runs({ slug, manages }: { slug: string; manages: boolean }) {
  const runs = useQuery(runsQuery(slug));
  if (!runs.data || runs.data.length === 0) return <ErrorNote error={runs.error} />;
  return (
    <Paper>
      <Title order={2} p="md" pb={4}>
        {t("models.runs")}
      </Title>
      <Table.ScrollContainer minWidth={640}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("models.run")}</Table.Th>
              <Table.Th>{t("models.state")}</Table.Th>
              <Table.Th ta="right">{t("models.labels")}</Table.Th>
              <Table.Th>{t("models.started")}</Table.Th>
              <Table.Th>{t("models.result")}</Table.Th>
              <Table.Th w={120} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {runs.data.map((run) => (
              <Table.Tr key={run.id}>
                <Table.Td>{run.id}</Table.Td>
                <Table.Td>
                  {word("run.state", run.state)}
                  {run.progress
                    ? ` · ${t("run.epoch", { epoch: run.progress.epoch, epochs: run.progress.epochs })}`
                    : ""}
                </Table.Td>
                <Table.Td ta="right">{run.labels === null ? "" : number(run.labels)}</Table.Td>
                <Table.Td>{dateTime(run.started_at)}</Table.Td>
                <Table.Td>
                  {run.model_number === null
                    ? run.error
                    : t("models.isVersion", { number: run.model_number })}
                </Table.Td>
                <Table.Td>
                  {manages && isLive(run) ? <CancelRun run={run} slug={slug} /> : null}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
