import { Anchor, Group, Paper, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { learningQuery, progressQuery } from "../../api/queries";
import { Progress } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Plot } from "../../components/plot";
import { clock, dateTime, dayAndClock, number, t, tn } from "../../i18n";
import { Answers } from "./answers";
import type { TabProps } from "./campaign";
import { LearningCurve } from "./models/learning";
import { RunState } from "./models/live";
import { CancelRun, isLive, lacksLabels, TrainNow } from "./models/runs";
import { Unreadable } from "./unreadable";

/** The story of the campaign on one screen, live. */
export function OverviewTab({ campaign }: TabProps) {
  return campaign.kind === "classification" ? (
    <Asking campaign={campaign} />
  ) : (
    <Drawing campaign={campaign} />
  );
}

/** Where only questions are asked: how far it is, what was answered, how the model learns. */
function Asking({ campaign }: TabProps) {
  const { slug, roles } = campaign;
  const { data, error } = useQuery(progressQuery(slug));
  const learning = useQuery(learningQuery(slug));
  return (
    <Stack gap="md">
      <ErrorNote error={error ?? learning.error} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Counts campaign={campaign} progress={data} />
        <Training slug={slug} learning={learning.data} manages={roles.includes("manager")} />
      </SimpleGrid>
      <Answers campaign={campaign} />
      <LearningCurve campaign={campaign} learning={learning.data} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <LabelsOverTime points={data?.labels_over_time ?? []} />
        <Plot
          title={t("overview.effort")}
          unit={t("overview.effortUnit")}
          xLabel={t("overview.effortAxis")}
          xKey="n"
          rows={(data?.effort ?? []).map(({ n, seconds }) => ({ n, seconds }))}
          series={[
            {
              key: "seconds",
              name: t("overview.effortEach"),
              colour: "var(--reticle-accent)",
              dotsOnly: true,
            },
          ]}
          digits={0}
          empty={t("overview.effortEmptyQuestions")}
        />
        <Changed points={data?.effort ?? []} />
      </SimpleGrid>
    </Stack>
  );
}

function Counts(props: TabProps & { progress: Schemas["ProgressOutput"] | undefined }) {
  const { campaign, progress } = props;
  return (
    <Paper p="md" component="section" aria-label={t("overview.progress")}>
      <Title order={2} mb="sm">
        {t("overview.progress")}
      </Title>
      <Progress counts={progress?.counts ?? campaign.counts} legend />
      {(progress?.counts ?? campaign.counts).total === 0 ? (
        <Text size="sm" mt="xs">
          {t("overview.noImages")}{" "}
          {campaign.roles.includes("manager") ? (
            <Anchor component={Link} to={`/campaigns/${campaign.slug}/import`}>
              {t("cases.import")}
            </Anchor>
          ) : null}
        </Text>
      ) : null}
      {progress ? (
        <Text size="sm" c="dimmed" mt="xs">
          {t("overview.heldOut", {
            settled: number(progress.held_out.settled),
            total: number(progress.held_out.total),
          })}
        </Text>
      ) : null}
    </Paper>
  );
}

function Drawing({ campaign }: TabProps) {
  const { slug, roles } = campaign;
  const progress = useQuery(progressQuery(slug));
  const learning = useQuery(learningQuery(slug));
  const { data } = progress;
  return (
    <Stack gap="md">
      <ErrorNote error={progress.error ?? learning.error} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Counts campaign={campaign} progress={data} />
        <Training slug={slug} learning={learning.data} manages={roles.includes("manager")} />
      </SimpleGrid>
      <LearningCurve campaign={campaign} learning={learning.data} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <LabelsOverTime points={data?.labels_over_time ?? []} />
        <Effort points={data?.effort ?? []} />
        <Changed points={data?.effort ?? []} />
      </SimpleGrid>
    </Stack>
  );
}

function Training(props: {
  slug: string;
  learning: Schemas["LearningOutput"] | undefined;
  manages: boolean;
}) {
  const { slug, learning, manages } = props;
  const run = learning?.run ?? null;
  const live = run !== null && isLive(run);
  return (
    <Paper p="md" component="section" aria-label={t("run.title")} aria-live="polite">
      <Group justify="space-between" mb="sm" mih={30}>
        <Title order={2}>{t("run.title")}</Title>
        {manages && learning ? (
          live ? (
            <CancelRun run={run} slug={slug} />
          ) : (
            <TrainNow slug={slug} lacking={lacksLabels(learning.next_refresh)} />
          )
        ) : null}
      </Group>
      {!learning ? (
        <Skeleton h={20} />
      ) : run && (live || run.state === "failed") ? (
        <RunState run={run} />
      ) : (
        <Text c="dimmed">{t("run.none")}</Text>
      )}
      {(learning ? coldTexts(learning.cold_order) : []).map((text) => (
        <Text key={text} size="sm" mt="sm">
          {text}
        </Text>
      ))}
      {(learning ? scoringTexts(learning) : []).map((text) => (
        <Text key={text} size="sm" mt="sm">
          {text}
        </Text>
      ))}
      {manages && learning && learning.unreadable > 0 ? <Unreadable slug={slug} /> : null}
      <Stack gap={0} mt="sm" mih={20}>
        {(learning ? refreshTexts(learning.next_refresh, run !== null) : []).map((text) => (
          <Text key={text} size="sm" c="dimmed">
            {text}
          </Text>
        ))}
      </Stack>
    </Paper>
  );
}

/** How the queue is ordered before there is a model; nothing where chance is to order it. */
function coldTexts(order: Schemas["LearningOutput"]["cold_order"]): string[] {
  if (!order) return [];
  const failed = order.error ? [t("cold.failed", { error: order.error })] : [];
  if (order.ordered_at) return [t("cold.ordered", { at: dateTime(order.ordered_at) }), ...failed];
  return order.error ? [...failed, t("cold.stays")] : [t("cold.waiting")];
}

/** How the champion gets on with scoring the queue; nothing where all is well. */
function scoringTexts(learning: Schemas["LearningOutput"]): string[] {
  const { scoring, scoring_error: error, unreadable } = learning;
  const failed = error ? [t("run.scoringFailed", { error }), t("run.scoringStays")] : [];
  return [
    ...(scoring && !error ? [t("run.scoring")] : failed),
    ...(unreadable > 0 ? [tn("run.unreadable", unreadable)] : []),
  ];
}

/** Whole sentences, one a line: how they would be joined is each language's own affair. */
function refreshTexts(next: Schemas["RefreshOutput"], trained: boolean): string[] {
  const lacks = lacksLabels(next) ? [t("run.lacks")] : [];
  if (!next.enabled) return [t("refresh.off"), ...lacks];
  const count = Math.max(0, next.new_labels);
  const come = next.needed > 0 ? tn("refresh.next", next.needed) : t("refresh.now");
  return [
    trained ? tn("refresh.new", count) : tn("refresh.first", count),
    ...(lacks.length > 0 ? lacks : [come]),
  ];
}

const DAY = 24 * 60 * 60 * 1000;

function LabelsOverTime({ points }: { points: readonly Schemas["LabelPoint"][] }) {
  const times = points.map(({ at }) => Date.parse(at));
  const days = Math.max(...times) - Math.min(...times) > DAY;
  return (
    <Plot
      title={t("overview.labels")}
      unit={t("overview.labelsUnit")}
      xKey="at"
      rows={points.map(({ at, settled }) => ({ at: Date.parse(at), settled }))}
      series={[{ key: "settled", name: t("overview.labelsUnit"), colour: "var(--reticle-accent)" }]}
      xFormat={(at) => (days ? dayAndClock(at) : clock(at))}
      xTime
      digits={0}
      empty={t("overview.labelsEmpty")}
    />
  );
}

function Effort({ points }: { points: readonly Schemas["EffortPoint"][] }) {
  return (
    <Plot
      title={t("overview.effort")}
      unit={t("overview.effortUnit")}
      xLabel={t("overview.effortAxis")}
      xKey="n"
      rows={points.map(({ n, seconds, suggested }) => ({
        n,
        alone: suggested ? null : seconds,
        suggested: suggested ? seconds : null,
      }))}
      series={[
        {
          key: "alone",
          name: t("overview.effortAlone"),
          colour: "var(--reticle-attention)",
          dotsOnly: true,
        },
        {
          key: "suggested",
          name: t("overview.effortSuggested"),
          colour: "var(--reticle-accent)",
          dotsOnly: true,
        },
      ]}
      digits={0}
      empty={t("overview.effortEmpty")}
    />
  );
}

/** How many of the suggested answers were not given so; nothing where none was suggested. */
function Changed({ points }: { points: readonly Schemas["EffortPoint"][] }) {
  const rows = points
    .filter((point) => point.changed_answers !== null)
    .map(({ n, changed_answers }) => ({ n, changed: changed_answers }));
  if (rows.length === 0) return null;
  return (
    <Plot
      title={t("overview.changed")}
      unit={t("overview.changedUnit")}
      xLabel={t("overview.effortAxis")}
      xKey="n"
      rows={rows}
      series={[
        {
          key: "changed",
          name: t("overview.effortEach"),
          colour: "var(--reticle-accent)",
          dotsOnly: true,
        },
      ]}
      digits={0}
      empty=""
    />
  );
}
