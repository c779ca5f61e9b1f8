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
import type { Schemas } from "../../../api/client";
import { runQuery } from "../../../api/queries";
import { ErrorNote } from "../../../components/errors";
import { Plot, type PlotRow } from "../../../components/plot";
import { dateTime, decimal, duration, number, t, tn, word } from "../../../i18n";
import type { TabProps } from "../campaign";
import { originText } from "./origin";
import { reasonText } from "./reasons";
import { CancelRun, isLive } from "./runs";
import { partSeries } from "./series";

type Run = Schemas["RunOutput"];
type Epoch = Schemas["EpochOutput"];

function isPretraining({ stage }: Epoch): boolean {
  return stage === "pretrain";
}

/** Which part of a run this is; nothing for a run of one part. */
export function stageText({ best }: Pick<Run, "best">, progress: Epoch): string {
  const { fold = 0, folds, variant = 0, variants } = progress;
  if (folds !== undefined) {
    const parts = [
      variants === undefined ? "" : t("run.stage.variant", { n: variant + 1, of: variants }),
      t("run.stage.cross", { fold: fold + 1, folds }),
    ];
    return parts.filter(Boolean).join(" · ");
  }
  if (best) return t("run.stage.best");
  return isPretraining(progress) ? t("run.stage.pretrain") : "";
}

/** How long the part at hand still takes: what comes after it is not known. */
function etaText(progress: Epoch): string {
  if (!progress.eta_seconds) return "";
  const time = duration(progress.eta_seconds);
  if (progress.folds !== undefined) return t("run.etaFold", { time });
  return t(isPretraining(progress) ? "run.etaStage" : "run.eta", { time });
}

/** How much of the part at hand is done, of a cross-validation of all its trainings: 0 to 100. */
function shareDone(progress: Epoch): number {
  const { epoch, epochs, fold = 0, folds = 1, variant = 0, variants = 1 } = progress;
  const before = variant * folds + fold;
  return (100 * (before + epoch / Math.max(1, epochs))) / Math.max(1, variants * folds);
}

/** What the policy begins with is found out when the training starts. */
function originKnown({ start, started_at }: Run): boolean {
  return start !== "auto" || started_at !== null;
}

/** One training as it goes: how far, loss and Dice by epoch, what happened. */
export function RunPanel({ id, campaign }: { id: number } & TabProps) {
  const { data: run, error } = useQuery(runQuery(campaign.slug, id));
  if (!run) return <ErrorNote error={error} />;
  const heading = t("live.heading", { id });
  const pretrained = run.epochs.filter(isPretraining);
  // Of a cross-validation the fold at hand; each fold is a training of its own.
  const last = run.epochs.at(-1);
  const rows = run.epochs.filter(
    (row) => !isPretraining(row) && row.fold === last?.fold && row.variant === last?.variant,
  );
  return (
    <Paper p="md" component="section" aria-label={heading}>
      <Group justify="space-between" mb="sm" mih={30}>
        <Title order={2}>{heading}</Title>
        {campaign.roles.includes("manager") && isLive(run) ? (
          <CancelRun run={run} slug={campaign.slug} />
        ) : null}
      </Group>
      <ErrorNote error={error} />
      <RunState run={run} />
      {originKnown(run) ? (
        <Text size="sm" c="dimmed" mt={8}>
          {t("run.from", { origin: originText(run) })}
        </Text>
      ) : null}
      <SimpleGrid cols={{ base: 1, md: 2 }} mt="md">
        {pretrained.length > 0 ? (
          <Loss
            title={t("live.pretrainLoss")}
            unit={t("live.pretrainLossUnit")}
            rows={pretrained}
          />
        ) : null}
        <Loss title={t("live.loss")} unit={t("live.lossUnit")} rows={rows} />
        <Measures rows={rows} campaign={campaign} />
      </SimpleGrid>
      <Title order={3} mt="md" mb={4}>
        {t("live.log")}
      </Title>
      <ol style={{ margin: 0, paddingLeft: 20 }}>
        {run.events.map((event) => (
          <li key={`${event.at} ${event.event}`}>
            <Text size="sm">
              {dateTime(event.at)} · {word("run.event", event.event)}
              {event.actor ? ` · ${event.actor}` : ""}
              {event.why.text ? `: ${reasonText(event.why)}` : ""}
            </Text>
          </li>
        ))}
      </ol>
    </Paper>
  );
}

/** What the last epoch came to, class by class or question by question. */
function Measured({ progress }: { progress: Epoch }) {
  const asks = Object.keys(progress.accuracy ?? {}).length > 0;
  const values = Object.entries({ ...progress.dice, ...progress.accuracy })
    .map(([name, value]) => `${name} ${decimal(value)}`)
    .join(" · ");
  if (values === "") return null;
  return (
    <Text size="sm" c="dimmed">
      {t(asks ? "live.accuracyNow" : "live.diceNow", { values })}
    </Text>
  );
}

/** The state in words, the share done, and why it failed if it did. */
export function RunState({ run }: { run: Run }) {
  const { progress } = run;
  const live = isLive(run);
  const done = progress ? shareDone(progress) : 0;
  const rate = progress?.learning_rate;
  const parts = [
    word("run.state", run.state),
    run.ahead > 0 ? tn("run.ahead", run.ahead) : null,
    run.labels === null ? null : tn("run.learnsFrom", run.labels),
    progress ? stageText(run, progress) : null,
    progress ? t("run.epoch", { epoch: progress.epoch, epochs: progress.epochs }) : null,
    progress?.loss ? t("run.loss", { loss: decimal(progress.loss, 3) }) : null,
    live && rate ? t("live.rate", { rate: number(rate, 5) }) : null,
    live && progress ? etaText(progress) : null,
    run.attempt > 1 ? t("run.attempt", { n: run.attempt }) : null,
  ];
  return (
    <Stack gap={8}>
      <Text>{parts.filter(Boolean).join(" · ")}</Text>
      {live ? (
        <Bar.Root size={8}>
          <Bar.Section value={done} aria-label={t("run.progress", { id: run.id })} />
        </Bar.Root>
      ) : null}
      {live && progress ? <Measured progress={progress} /> : null}
      {run.state === "failed" && run.error ? (
        <Alert color="danger" lang="en">
          {run.error}
        </Alert>
      ) : null}
    </Stack>
  );
}

interface CurveProps {
  readonly rows: readonly Epoch[];
}

function Loss({ title, unit, rows }: CurveProps & { title: string; unit: string }) {
  return (
    <Plot
      title={title}
      unit={unit}
      xLabel={t("live.epoch")}
      xKey="epoch"
      rows={rows.map(({ epoch, loss }) => ({ epoch, loss }))}
      series={[{ key: "loss", name: t("live.loss"), colour: "var(--reticle-accent)" }]}
      empty={t("live.empty")}
    />
  );
}

function Measures({ rows: epochs, campaign }: CurveProps & TabProps) {
  const asks = campaign.kind === "classification";
  const rows = epochs.map(
    ({ epoch, dice, accuracy }): PlotRow => ({ epoch, ...dice, ...accuracy }),
  );
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return (
    <Plot
      title={t(asks ? "live.accuracy" : "live.dice")}
      unit={t(asks ? "live.accuracyUnit" : "live.diceUnit")}
      xLabel={t("live.epoch")}
      xKey="epoch"
      rows={rows}
      series={partSeries(campaign, (name) => names.has(name))}
      range={[0, 1]}
      empty={t("live.empty")}
    />
  );
}
