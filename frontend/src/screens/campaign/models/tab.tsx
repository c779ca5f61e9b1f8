import {
  Anchor,
  Button,
  Group,
  Paper,
  Select,
  SimpleGrid,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { Schemas } from "../../../api/client";
import { learningQuery, modelsQuery, runsQuery } from "../../../api/queries";
import { ErrorNote } from "../../../components/errors";
import { Empty } from "../../../components/page";
import { Scroll } from "../../../components/scroll";
import { dateTime, decimal, duration, number, t, tn, word } from "../../../i18n";
import type { TabProps } from "../campaign";
import { partsText } from "./basis";
import { chosenName } from "./choice";
import { CrossReport } from "./cross";
import { Promote, RollBack } from "./decide";
import { LearningCurve, SelectionCard } from "./learning";
import { RunPanel, stageText } from "./live";
import { Below, Interval } from "./measured";
import { reasonText } from "./reasons";
import { Recipe } from "./recipe";
import { isLive, lacksLabels, TrainNow } from "./runs";
import { Shadow } from "./shadow";
import { ModelState } from "./state";

type Model = Schemas["ModelOutput"];

/** What the campaign's models are, how they came about, and what a manager can do with them. */
export function ModelsTab({ campaign, onUnsaved }: TabProps) {
  const { slug, roles } = campaign;
  const manages = roles.includes("manager");
  const models = useQuery(modelsQuery(slug));
  const runs = useQuery(runsQuery(slug));
  const learning = useQuery(learningQuery(slug));
  const live = runs.data?.find(isLive);
  const [shown, setShown] = useState<number | null>(null);
  const before = learning.data?.rollback_to;
  const lacking = learning.data !== undefined && lacksLabels(learning.data.next_refresh);
  const startable = runs.data !== undefined && !live;
  return (
    <Stack gap="md">
      <ErrorNote error={models.error ?? runs.error ?? learning.error} />
      {manages && (startable || before != null) ? (
        <Group gap="xs">
          {startable ? <TrainNow slug={slug} lacking={lacking} /> : null}
          {startable && lacking ? (
            <Text size="sm" c="dimmed">
              {t("run.lacks")}
            </Text>
          ) : null}
          {before != null ? <RollBack slug={slug} number={before} /> : null}
        </Group>
      ) : null}
      {live ? <RunPanel id={live.id} campaign={campaign} /> : null}
      {manages ? <Recipe campaign={campaign} onUnsaved={onUnsaved} /> : null}
      <Shadow slug={slug} manages={manages} />
      {models.isPending ? <Skeleton h={240} /> : null}
      {models.data?.length === 0 ? (
        <Empty title={t("models.empty")}>
          {t(
            learning.data?.next_refresh.enabled === false
              ? "models.emptyHelpOff"
              : "models.emptyHelp",
          )}
        </Empty>
      ) : (
        <Versions
          models={models.data ?? []}
          campaign={campaign}
          manages={manages}
          measured={learning.data?.measured}
        />
      )}
      <CompareChoice models={models.data ?? []} slug={slug} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <LearningCurve campaign={campaign} learning={learning.data} choice />
        <SelectionCard selection={learning.data?.selection ?? null} kind={campaign.kind} />
      </SimpleGrid>
      <CrossReport runs={runs.data ?? []} campaign={campaign} />
      <Runs runs={runs.data ?? []} onShow={setShown} />
      {shown !== null && shown !== live?.id ? (
        <RunPanel key={shown} id={shown} campaign={campaign} />
      ) : null}
    </Stack>
  );
}

interface ListProps extends TabProps {
  readonly manages: boolean;
  /** What the figure at the head of the campaign is of. */
  readonly measured: Schemas["MeasuredOutput"] | undefined;
}

function Versions(props: ListProps & { models: readonly Model[] }) {
  const { models, campaign, manages, measured } = props;
  const asks = campaign.kind === "classification";
  return (
    <Paper>
      <Scroll label={t("tab.models")} minWidth={940}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("models.version")}</Table.Th>
              <Table.Th>{t("models.state")}</Table.Th>
              <Table.Th ta="right">{t("models.labels")}</Table.Th>
              <Table.Th ta="right">{t(asks ? "models.accuracy" : "models.dice")}</Table.Th>
              <Table.Th>{t(asks ? "models.questions" : "models.classes")}</Table.Th>
              <Table.Th>{t("models.decision")}</Table.Th>
              <Table.Th>{t("models.created")}</Table.Th>
              {manages ? <Table.Th w={80} /> : null}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {models.map((model) => (
              <Version
                key={model.id}
                model={model}
                campaign={campaign}
                manages={manages}
                measured={measured}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
      {models.length > 0 ? (
        <Text size="sm" c="dimmed" p="sm">
          {t(asks ? "models.ownAnswers" : "models.own")}
          {measured && measured.averaged.length > 0 ? (
            <> {t("basis.mean", { parts: partsText(measured.averaged, campaign.questions) })}</>
          ) : null}
        </Text>
      ) : null}
    </Paper>
  );
}

function Version(props: ListProps & { model: Model }) {
  const { model, campaign, manages, measured } = props;
  const { slug } = campaign;
  return (
    <Table.Tr>
      <Table.Td fw={600}>
        <Anchor
          component={Link}
          to={`/campaigns/${slug}/models/${model.number}`}
          aria-label={t("models.open", { number: model.number })}
        >
          v{model.number}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <ModelState state={model.state} />
      </Table.Td>
      <Table.Td ta="right">{number(model.labels)}</Table.Td>
      <Table.Td ta="right">
        {decimal(model.score)}
        <Interval low={model.low} high={model.high} />
        {model.score === null || !measured
          ? null
          : otherwise(model, measured, campaign.questions).map((text) => (
              <Text key={text} size="xs" c="dimmed" maw={150} ml="auto">
                {text}
              </Text>
            ))}
      </Table.Td>
      <Table.Td>
        {Object.entries(model.classes).map(([name, score]) => (
          <PartScore
            key={name}
            name={name}
            value={score.dice}
            interval={[score.low, score.high]}
            of={score.patients == null ? "" : tn("models.patients", score.patients)}
          />
        ))}
        {campaign.questions.map(({ name, text }) => {
          const score = model.questions[name];
          return score ? (
            <PartScore
              key={name}
              name={text}
              value={score.accuracy}
              interval={[score.low, score.high]}
              of={tn("models.answers", score.answered)}
            />
          ) : null;
        })}
      </Table.Td>
      <Table.Td maw={300} miw={180}>
        {model.decision?.reasons.map((reason) => (
          <Text key={reason.text} size="sm">
            {reasonText(reason)}
          </Text>
        ))}
      </Table.Td>
      <Table.Td style={{ whiteSpace: "nowrap" }}>{dateTime(model.created_at)}</Table.Td>
      {manages ? (
        <Table.Td>
          {model.state === "champion" ? null : (
            <Promote model={model} slug={slug} size="compact-xs" />
          )}
        </Table.Td>
      ) : null}
    </Table.Tr>
  );
}

/** Of what else a version's mean is than the figure at the head of the campaign. */
function otherwise(
  { averaged, measured_on }: Model,
  measured: Schemas["MeasuredOutput"],
  questions: TabProps["campaign"]["questions"],
): string[] {
  const same = averaged.join() === measured.averaged.join();
  const there = measured_on === null || measured_on === measured.held_out?.at;
  return [
    ...(same ? [] : [t("models.over", { parts: partsText(averaged, questions) })]),
    ...(there ? [] : [t("models.otherList", { at: dateTime(measured_on) })]),
  ];
}

/** Value, interval, and how much it was measured on. */
function PartScore(props: {
  name: string;
  value: number | null;
  interval: readonly [number | null | undefined, number | null | undefined];
  of: string;
}) {
  const { name, value, interval, of } = props;
  const [low, high] = interval;
  const range = low != null && high != null ? ` (${decimal(low)} – ${decimal(high)})` : "";
  return (
    <Text size="sm" style={{ whiteSpace: "nowrap" }}>
      {name} {decimal(value)}
      <Text span size="xs" c="dimmed">
        {range} {of}
      </Text>
    </Text>
  );
}

/** Two versions to lay side by side: at first the newest against the champion before it. */
function CompareChoice({ models, slug }: { models: readonly Model[]; slug: string }) {
  const [one, setOne] = useState<string | null>(null);
  const [other, setOther] = useState<string | null>(null);
  if (models.length < 2) return null;
  const data = models.map(({ number: n, state }) => ({
    value: String(n),
    label: `v${n} · ${word("model", state)}`,
  }));
  const first = one ?? data[0]!.value;
  const second = other ?? data[1]!.value;
  return (
    <Paper p="md" component="section" aria-label={t("models.compare")}>
      <Group align="flex-end" gap="sm">
        <Select
          label={t("models.compareA")}
          data={data}
          value={first}
          onChange={setOne}
          allowDeselect={false}
        />
        <Select
          label={t("models.compareB")}
          data={data}
          value={second}
          onChange={setOther}
          allowDeselect={false}
        />
        <Button
          component={Link}
          to={`/campaigns/${slug}/models/${first}/against/${second}`}
          variant="default"
          {...(first === second ? { "data-disabled": true, "aria-disabled": true } : {})}
        >
          {t("models.compareGo")}
        </Button>
      </Group>
    </Paper>
  );
}

function Runs(props: { runs: readonly Schemas["RunOutput"][]; onShow: (id: number) => void }) {
  const { runs, onShow } = props;
  if (runs.length === 0) return null;
  return (
    <Paper>
      <Title order={2} p="md" pb={4}>
        {t("models.runs")}
      </Title>
      <Scroll label={t("models.runs")} minWidth={700}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("models.run")}</Table.Th>
              <Table.Th>{t("models.state")}</Table.Th>
              <Table.Th>{t("run.reason")}</Table.Th>
              <Table.Th ta="right">{t("models.labels")}</Table.Th>
              <Table.Th>{t("models.started")}</Table.Th>
              <Table.Th ta="right">{t("run.took")}</Table.Th>
              <Table.Th>{t("models.result")}</Table.Th>
              <Table.Th w={80} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {runs.map((run) => (
              <Table.Tr key={run.id}>
                <Table.Td>{run.id}</Table.Td>
                <Table.Td>{stateText(run)}</Table.Td>
                <Table.Td>
                  {reasonText(run.reason)}
                  {run.kind === "cross" ? (
                    <Text size="xs" c="dimmed">
                      {run.variants.length > 0
                        ? t("variants.run", { n: run.variants.length, folds: run.folds })
                        : t("cross.run", { folds: run.folds })}
                    </Text>
                  ) : null}
                </Table.Td>
                <Table.Td ta="right">
                  {run.labels === null ? "" : number(run.labels)}
                  {run.held_out ? (
                    <Below>{t("models.heldOut", { count: number(run.held_out) })}</Below>
                  ) : null}
                </Table.Td>
                <Table.Td style={{ whiteSpace: "nowrap" }}>{dateTime(run.started_at)}</Table.Td>
                <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>
                  {tookText(run)}
                </Table.Td>
                <Table.Td maw={320}>{resultText(run)}</Table.Td>
                <Table.Td>
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t("live.show", { id: run.id })}
                    onClick={() => onShow(run.id)}
                  >
                    {t("live.showShort")}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Paper>
  );
}

function stateText(run: Schemas["RunOutput"]): string {
  const { state, progress, ahead } = run;
  const parts = [
    word("run.state", state),
    progress ? stageText(run, progress) : null,
    progress ? t("run.epoch", { epoch: progress.epoch, epochs: progress.epochs }) : null,
    ahead > 0 ? tn("run.ahead", ahead) : null,
  ];
  return parts.filter(Boolean).join(" · ");
}

function resultText({ model_number, report, choice, error }: Schemas["RunOutput"]): string {
  if (model_number !== null) return t("models.isVersion", { number: model_number });
  if (error || !report) return error;
  const parts = [
    choice ? t("variants.result", { name: chosenName(choice) }) : "",
    report.questions
      ? t("cross.resultAnswers", { accuracy: decimal(report.mean_accuracy) })
      : t("cross.result", { dice: decimal(report.mean_dice) }),
  ];
  return parts.filter(Boolean).join(" · ");
}

function tookText({ started_at, finished_at }: Schemas["RunOutput"]): string {
  if (!started_at || !finished_at) return "";
  return duration((Date.parse(finished_at) - Date.parse(started_at)) / 1000);
}
