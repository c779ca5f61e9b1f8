import { Button, Group, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { Schemas } from "../../../api/client";
import { campaignQuery, compareQuery, modelsQuery } from "../../../api/queries";
import { ErrorNote } from "../../../components/errors";
import { Empty, Page } from "../../../components/page";
import { Scroll } from "../../../components/scroll";
import { decimal, number, t } from "../../../i18n";
import { questionText } from "./answers";
import { DrawnByOne, partsText } from "./basis";
import { signed, signedInterval } from "./figures";
import { Below, Measured } from "./measured";
import { METRICS, type Metric, Section } from "./measures";
import { reasonsText } from "./reasons";
import { Shared } from "./shared";
import { ModelState } from "./state";
import { Trail } from "./trail";

type Model = Schemas["ModelOutput"];
type Compared = Schemas["CompareOutput"];

/** Two versions side by side: their numbers, and what they draw or answer. */
export function ComparePage() {
  const { slug = "", number: one = "", other = "" } = useParams();
  const campaign = useQuery(campaignQuery(slug));
  const models = useQuery(modelsQuery(slug));
  const find = (text: string) => models.data?.find((each) => String(each.number) === text);
  const [model, rival] = [find(one), find(other)];
  const compared = useQuery({
    ...compareQuery(slug, model?.id ?? 0, rival?.number ?? 0),
    enabled: model !== undefined && rival !== undefined,
  });
  const failed = [campaign, models, compared].find((query) => query.isError);
  const name = campaign.data?.name ?? slug;
  useDocumentTitle(t("app.title", { page: t("compare.title", { campaign: name, one, other }) }));
  const missing = models.data && (!model || !rival);
  return (
    <Page trail={<Trail slug={slug} name={name} />}>
      <ErrorNote error={failed?.error} onRetry={() => void failed?.refetch()} />
      {missing ? (
        <Empty title={t("modelPage.missing", { number: model ? other : one })} />
      ) : model && rival && compared.data ? (
        <Stack gap="md">
          <Title order={1}>{t("compare.heading", { one, other })}</Title>
          <Stack gap="xs">
            {[model, rival].map((each) => (
              <Version key={each.id} model={each} slug={slug} />
            ))}
          </Stack>
          <Metrics
            compared={compared.data}
            model={model}
            rival={rival}
            questions={campaign.data?.questions ?? []}
          />
          <Shared
            compared={compared.data}
            model={model}
            rival={rival}
            questions={campaign.data?.questions ?? []}
            drawn={(campaign.data?.classes ?? []).filter(({ retired }) => !retired)}
          />
          <Patients compared={compared.data} model={model} rival={rival} />
        </Stack>
      ) : compared.error ? null : (
        <Skeleton h={320} />
      )}
    </Page>
  );
}

/** What became of a version, and where the rule did not take it the reasons. */
function Version({ model, slug }: { model: Model; slug: string }) {
  const { number: version, state, decision } = model;
  const refused = state === "rejected" || state === "candidate";
  return (
    <Group gap="xs">
      <Button
        component={Link}
        to={`/campaigns/${slug}/models/${version}`}
        size="compact-sm"
        variant="default"
      >
        {t("models.open", { number: version })}
      </Button>
      <ModelState state={state} />
      {refused && decision && REFUSALS.includes(decision.verdict) ? (
        <Text size="sm" flex={1} miw={220}>
          {reasonsText(decision.reasons)}
        </Text>
      ) : null}
    </Group>
  );
}

/** Verdicts of the rule by which a version did not go live or into the shadow. */
const REFUSALS: readonly string[] = ["reject", "insufficient"];

interface Pair {
  readonly model: Model;
  readonly rival: Model;
}

function Head({ model, rival, first }: Pair & { first: readonly string[] }) {
  return (
    <Table.Thead>
      <Table.Tr>
        {first.map((name) => (
          <Table.Th key={name}>{name}</Table.Th>
        ))}
        <Table.Th ta="right">v{model.number}</Table.Th>
        <Table.Th ta="right">v{rival.number}</Table.Th>
        <Table.Th ta="right">{t("compare.difference")}</Table.Th>
      </Table.Tr>
    </Table.Thead>
  );
}

function Metrics(
  props: Pair & { compared: Compared; questions: Schemas["CampaignDetail"]["questions"] },
) {
  const { compared, model, rival, questions } = props;
  const { mean, metric, same_cases, cases } = compared;
  const asks = metric === "accuracy";
  const title = t(asks ? "answers.title" : "metrics.title");
  const part = t(asks ? "answers.question" : "metrics.class");
  return (
    <Section title={title}>
      <Text size="sm" c="dimmed">
        {cases === 0
          ? t("compare.apart")
          : t(same_cases ? "compare.same" : "compare.partly", { cases: number(cases) })}
      </Text>
      {cases > 0 && !asks ? <DrawnByOne /> : null}
      <Scroll label={title} minWidth={520}>
        <Table>
          <Head model={model} rival={rival} first={[part, t("compare.metric")]} />
          <Table.Tbody>
            <Table.Tr>
              <Table.Th scope="row">
                {compared.averaged.length > 0
                  ? t("compare.meanOf", { parts: partsText(compared.averaged, questions) })
                  : t("compare.meanNone")}
              </Table.Th>
              <Table.Td>{t(`metrics.${metric}`)}</Table.Td>
              <Table.Td ta="right">{decimal(mean.model)}</Table.Td>
              <Table.Td ta="right">{decimal(mean.against)}</Table.Td>
              <Difference row={mean} />
            </Table.Tr>
            {compared.classes.map((row) => (
              <ClassRows key={row.name} row={row} same={same_cases} />
            ))}
            {compared.questions.map((row) => (
              <QuestionRows
                key={row.name}
                row={row}
                text={questionText(questions, row.name)}
                same={same_cases}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
      {asks ? null : (
        <Text size="sm" c="dimmed">
          {t("compare.units")}
        </Text>
      )}
    </Section>
  );
}

function Difference({ row }: { row: Pick<Schemas["PairedMean"], "difference" | "low" | "high"> }) {
  return (
    <Table.Td ta="right">
      {signed(row.difference)}
      {row.low === null ? null : <Below>{signedInterval(row.low, row.high)}</Below>}
    </Table.Td>
  );
}

/** Of all other metrics the higher one is better. */
const LOWER_IS_BETTER: ReadonlySet<Metric> = new Set(["hd95", "false_positives_per_image"]);

function ClassRows({ row, same }: { row: Schemas["PairedClass"]; same: boolean }) {
  // Dice as its difference takes it: a model's own leaves out who has and is drawn nothing.
  const ours = row.model && { ...row.model, dice: row.model_mean ?? row.model.dice };
  const theirs = row.against && { ...row.against, dice: row.against_mean ?? row.against.dice };
  const measured = (Object.keys(METRICS) as Metric[]).filter(
    (name) => ours?.[name] != null || theirs?.[name] != null,
  );
  return measured.map((name, i) => (
    <Table.Tr key={name}>
      {i === 0 ? (
        <Table.Th scope="row" rowSpan={measured.length} style={{ verticalAlign: "top" }}>
          {row.name}
        </Table.Th>
      ) : null}
      <Table.Td>
        {t(`metrics.${name}`)}
        {LOWER_IS_BETTER.has(name) ? <Below>{t("compare.lowerIsBetter")}</Below> : null}
      </Table.Td>
      <Table.Td ta="right">
        <Measured value={ours?.[name]} digits={METRICS[name]} />
      </Table.Td>
      <Table.Td ta="right">
        <Measured value={theirs?.[name]} digits={METRICS[name]} />
      </Table.Td>
      {name === "dice" ? (
        <Difference row={row} />
      ) : (
        <Table.Td ta="right">
          {same && ours?.[name] != null && theirs?.[name] != null
            ? signed(ours[name] - theirs[name], METRICS[name] + 1)
            : "–"}
        </Table.Td>
      )}
    </Table.Tr>
  ));
}

/** Accuracy of a question, and the AUC of each of its options. */
function QuestionRows(props: { row: Schemas["PairedQuestion"]; text: string; same: boolean }) {
  const { row, text, same } = props;
  const [ours, theirs] = [row.model, row.against];
  const options = [
    ...new Set([ours, theirs].flatMap((each) => (each?.options ?? []).map(({ option }) => option))),
  ];
  const aucOf = (each: typeof ours, option: string) =>
    each?.options.find((one) => one.option === option)?.auc;
  return (
    <>
      <Table.Tr>
        <Table.Th scope="row" rowSpan={1 + options.length} style={{ verticalAlign: "top" }}>
          {text}
        </Table.Th>
        <Table.Td>{t("metrics.accuracy")}</Table.Td>
        <Table.Td ta="right">
          <Measured value={row.model_mean ?? ours?.accuracy} />
        </Table.Td>
        <Table.Td ta="right">
          <Measured value={row.against_mean ?? theirs?.accuracy} />
        </Table.Td>
        <Difference row={row} />
      </Table.Tr>
      {options.map((option) => {
        const [own, other] = [aucOf(ours, option), aucOf(theirs, option)];
        return (
          <Table.Tr key={option}>
            <Table.Td>{t("compare.auc", { option })}</Table.Td>
            <Table.Td ta="right">
              <Measured value={own} />
            </Table.Td>
            <Table.Td ta="right">
              <Measured value={other} />
            </Table.Td>
            <Table.Td ta="right">
              {same && own != null && other != null ? signed(own - other) : "–"}
            </Table.Td>
          </Table.Tr>
        );
      })}
    </>
  );
}

function Patients({ compared, model, rival }: Pair & { compared: Compared }) {
  if (compared.patients.length === 0) return null;
  return (
    <Section title={t("compare.patients")}>
      <Text size="sm" c="dimmed">
        {t(compared.metric === "dice" ? "compare.byPatient" : "compare.byPatientAnswers")}
      </Text>
      {compared.metric === "dice" ? <DrawnByOne /> : null}
      <Scroll label={t("compare.patients")} minWidth={420}>
        <Table>
          <Head model={model} rival={rival} first={[t("compare.patient")]} />
          <Table.Tbody>
            {compared.patients.map((row) => (
              <Table.Tr key={row.patient}>
                <Table.Th scope="row">{row.patient}</Table.Th>
                <Table.Td ta="right">{decimal(row.model)}</Table.Td>
                <Table.Td ta="right">{decimal(row.against)}</Table.Td>
                <Table.Td ta="right">{signed(row.difference)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Section>
  );
}
