import {
  Alert,
  Progress as Bar,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { learningQuery, progressQuery } from "../../api/queries";
import { Progress } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Plot, type PlotRow, type PlotSeries } from "../../components/plot";
import { clock, decimal, duration, number, t, tn, word } from "../../i18n";
import type { TabProps } from "./campaign";
import { CancelRun, isLive, TrainNow } from "./runs";

/** The story of the campaign on one screen, live. */
export function OverviewTab({ campaign }: TabProps) {
  const { slug, roles } = campaign;
  const progress = useQuery(progressQuery(slug));
  const learning = useQuery(learningQuery(slug));
  const { data } = progress;
  return (
    <Stack gap="md">
      <ErrorNote error={progress.error ?? learning.error} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Paper p="md" component="section" aria-label={t("overview.progress")}>
          <Title order={2} mb="sm">
            {t("overview.progress")}
          </Title>
          <Progress counts={data?.counts ?? campaign.counts} legend />
          {data ? (
            <Text size="sm" c="dimmed" mt="xs">
              {t("overview.heldOut", {
                settled: number(data.held_out.settled),
                total: number(data.held_out.total),
              })}
            </Text>
          ) : null}
        </Paper>
        <Training slug={slug} learning={learning.data} manages={roles.includes("manager")} />
      </SimpleGrid>
      <LearningCurve campaign={campaign} curve={learning.data?.curve ?? []} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <LabelsOverTime points={data?.labels_over_time ?? []} />
        <Effort points={data?.effort ?? []} />
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
        {manages ? live ? <CancelRun run={run} slug={slug} /> : <TrainNow slug={slug} /> : null}
      </Group>
      {live ? <Live run={run} /> : <Text c="dimmed">{t("run.none")}</Text>}
      {run?.state === "failed" && run.error ? (
        <Alert color="danger" mt="sm">
          {run.error}
        </Alert>
      ) : null}
      {learning?.scoring ? (
        <Text size="sm" mt="sm">
          {t("run.scoring")}
        </Text>
      ) : null}
      <Text size="sm" c="dimmed" mt="sm" mih={20}>
        {learning ? refreshText(learning.next_refresh) : ""}
      </Text>
    </Paper>
  );
}

export function refreshText(next: Schemas["RefreshOutput"]): string {
  if (!next.enabled) return t("refresh.off");
  const needed = next.needed;
  return `${tn("refresh.new", Math.max(0, next.new_labels))}. ${
    needed > 0 ? tn("refresh.next", needed) : t("refresh.now")
  }.`;
}

function Live({ run }: { run: Schemas["RunOutput"] }) {
  const { progress } = run;
  const share = progress ? (100 * progress.epoch) / Math.max(1, progress.epochs) : 0;
  const parts = [
    word("run.state", run.state),
    run.labels === null ? null : tn("run.learnsFrom", run.labels),
    progress ? t("run.epoch", { epoch: progress.epoch, epochs: progress.epochs }) : null,
    progress?.loss ? t("run.loss", { loss: decimal(progress.loss, 3) }) : null,
    progress?.eta_seconds ? t("run.eta", { time: duration(progress.eta_seconds) }) : null,
    run.attempt > 1 ? t("run.attempt", { n: run.attempt }) : null,
  ];
  return (
    <Stack gap={8}>
      <Text>{parts.filter(Boolean).join(" · ")}</Text>
      <Bar.Root size={8}>
        <Bar.Section value={share} aria-label={t("run.progress", { id: run.id })} />
      </Bar.Root>
      {progress?.dice ? (
        <Text size="sm" c="dimmed">
          {Object.entries(progress.dice)
            .map(([name, dice]) => `${name} ${decimal(dice)}`)
            .join(" · ")}
        </Text>
      ) : null}
    </Stack>
  );
}

const DASHES = ["", "6 3", "2 3", "8 3 2 3"] as const;

function LearningCurve(props: {
  campaign: Schemas["CampaignDetail"];
  curve: readonly Schemas["LearningPoint"][];
}) {
  const { campaign, curve } = props;
  // Rejected candidates never served a reader; the curve is that of the champions.
  const champions = curve.filter(
    (point) => point.state === "champion" || point.state === "retired",
  );
  const points = champions.filter((point) => Object.keys(point.classes).length > 0);
  const rows = points.map((point) => {
    const row: PlotRow = { version: point.number, labels: point.labels, mean: point.mean_dice };
    for (const [name, { dice, low, high }] of Object.entries(point.classes)) {
      row[name] = dice;
      if (low != null && high != null) row[`${name} interval`] = [low, high];
    }
    return row;
  });
  const series: PlotSeries[] = campaign.classes
    .filter((each) => points.some((point) => each.name in point.classes))
    .map((each, i) => ({
      key: each.name,
      name: each.name,
      colour: each.colour,
      dashes: DASHES[i % DASHES.length]!,
      band: `${each.name} interval`,
    }));
  const mean: PlotSeries = {
    key: "mean",
    name: t("overview.mean"),
    colour: "var(--mantine-color-text)",
  };
  return (
    <Plot
      title={t("overview.learning")}
      unit={t("overview.learningUnit")}
      xLabel={t("overview.learningAxis")}
      xKey="labels"
      rows={rows}
      series={series.length > 1 ? [...series, mean] : series}
      range={[0, 1]}
      empty={t("overview.learningEmpty")}
    />
  );
}

function LabelsOverTime({ points }: { points: readonly Schemas["LabelPoint"][] }) {
  return (
    <Plot
      title={t("overview.labels")}
      unit={t("overview.labelsUnit")}
      xKey="at"
      rows={points.map(({ at, settled }) => ({ at: Date.parse(at), settled }))}
      series={[{ key: "settled", name: t("overview.labelsUnit"), colour: "var(--reticle-accent)" }]}
      xFormat={(at) => clock(at)}
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
