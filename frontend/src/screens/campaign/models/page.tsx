import {
  Button,
  Code,
  Group,
  SimpleGrid,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import type { Schemas } from "../../../api/client";
import { campaignQuery, modelQuery, modelsQuery } from "../../../api/queries";
import { Figure, Hash } from "../../../components/bits";
import { ErrorNote } from "../../../components/errors";
import { Empty, Page } from "../../../components/page";
import { Scroll } from "../../../components/scroll";
import { dateTime, decimal, number, t, word } from "../../../i18n";
import { AnswerCalibration, AnswerTable, questionText } from "./answers";
import { partsText } from "./basis";
import { choiceText } from "./choice";
import { Promote } from "./decide";
import { intervalText, signed } from "./figures";
import { Subgroups } from "./groups";
import { Calibration, ClassTable, Robustness, Section } from "./measures";
import { Onnx } from "./onnx";
import { originText } from "./origin";
import { reasonsText, reasonText } from "./reasons";
import { AskRobustness } from "./robust";
import { ModelState } from "./state";
import { Trail } from "./trail";
import { Unfamiliar } from "./unfamiliar";

type Detail = Schemas["ModelDetailOutput"];

/** Everything that is known of one model version. */
export function ModelPage() {
  const { slug = "", number: text = "" } = useParams();
  const campaign = useQuery(campaignQuery(slug));
  const models = useQuery(modelsQuery(slug));
  const row = models.data?.find((each) => String(each.number) === text);
  const detail = useQuery({ ...modelQuery(slug, row?.id ?? 0), enabled: row !== undefined });
  const failed = [campaign, models, detail].find((query) => query.isError);
  const name = campaign.data?.name ?? slug;
  const title = t("modelPage.title", { campaign: name, number: text });
  useDocumentTitle(t("app.title", { page: title }));
  return (
    <Page trail={<Trail slug={slug} name={name} />}>
      <ErrorNote error={failed?.error} onRetry={() => void failed?.refetch()} />
      {models.data && !row ? (
        <Empty title={t("modelPage.missing", { number: text })} />
      ) : detail.data ? (
        <Model
          model={detail.data}
          title={title}
          slug={slug}
          questions={campaign.data?.questions ?? []}
          manages={campaign.data?.roles.includes("manager") ?? false}
          others={(models.data ?? []).filter((each) => each.id !== detail.data.id)}
        />
      ) : models.error ? null : (
        <Skeleton h={320} />
      )}
    </Page>
  );
}

interface ModelProps {
  readonly model: Detail;
  readonly title: string;
  readonly slug: string;
  readonly questions: Schemas["CampaignDetail"]["questions"];
  readonly manages: boolean;
  readonly others: readonly Schemas["ModelOutput"][];
}

function Model({ model, title, slug, questions, manages, others }: ModelProps) {
  const asks = model.metric === "accuracy";
  const rival = others.find((each) => each.state === "champion") ?? others[0];
  return (
    <Stack gap="md">
      <Stack gap="sm">
        <Group gap="sm">
          <Title order={1}>{title}</Title>
          <ModelState state={model.state} />
        </Group>
        <Group gap="xs">
          {rival ? (
            <Button
              component={Link}
              to={`/campaigns/${slug}/models/${model.number}/against/${rival.number}`}
              size="compact-sm"
              variant="default"
            >
              {t("modelPage.compareWith", { number: rival.number })}
            </Button>
          ) : null}
          <Button
            component="a"
            href={`/api/v1/models/${model.id}/card`}
            download
            size="compact-sm"
            variant="default"
          >
            {t("modelPage.card")}
          </Button>
          <Button
            component="a"
            href={`/api/v1/models/${model.id}/bundle`}
            download
            size="compact-sm"
            variant="default"
          >
            {t("modelPage.bundle")}
          </Button>
          {manages && model.state !== "champion" ? <Promote model={model} slug={slug} /> : null}
          <Onnx id={model.id} />
        </Group>
      </Stack>
      <Group gap={32}>
        <Figure
          value={decimal(model.score)}
          interval={model.low === null ? "" : intervalText(model.low, model.high)}
          label={meanText(model, questions)}
        />
        {asks ? <Figure value={decimal(model.mean_auc)} label={t("modelPage.meanAuc")} /> : null}
        <Figure
          value={number(model.cases)}
          label={t("modelPage.measuredOn", { patients: number(model.patients) })}
        />
        <Figure value={number(model.labels)} label={t("modelPage.trainedOn")} />
        <Figure
          value={decimal(asks ? model.majority_accuracy : model.majority_dice)}
          label={t(asks ? "modelPage.majorityAnswer" : "modelPage.majority")}
        />
      </Group>
      {asks ? (
        <AnswerTable answers={model.answers} questions={questions} />
      ) : (
        <ClassTable model={model} />
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Subgroups model={model} />
        {asks ? (
          <AnswerCalibration answers={model.answers} questions={questions} />
        ) : (
          <Calibration model={model} />
        )}
      </SimpleGrid>
      <History model={model} />
      <SimpleGrid cols={{ base: 1, md: asks ? 1 : 2 }}>
        <Robustness
          model={model}
          parts={model.answers.map(({ name }) => ({ name, text: questionText(questions, name) }))}
        >
          <AskRobustness model={model} slug={slug} manages={manages} />
        </Robustness>
        <Lineage model={model} />
      </SimpleGrid>
      {model.state === "champion" ? <Unfamiliar cases={model.unfamiliar} /> : null}
    </Stack>
  );
}

/** What the one mean is of. */
function meanText({ metric, averaged }: Detail, questions: ModelProps["questions"]): string {
  const asks = metric === "accuracy";
  if (averaged.length === 0) return t(asks ? "modelPage.meanAccuracy" : "modelPage.meanDice");
  const parts = partsText(averaged, questions);
  return t(asks ? "modelPage.meanAccuracyOf" : "modelPage.meanDiceOf", { parts });
}

function History({ model }: { model: Detail }) {
  const { history, decision } = model;
  const { difference, against, low, high, cases } = decision ?? {};
  return (
    <Section title={t("history.title")}>
      {history.length === 0 ? (
        <Text>{t("history.none")}</Text>
      ) : (
        <Scroll label={t("history.title")} minWidth={480}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("history.when")}</Table.Th>
                <Table.Th>{t("history.who")}</Table.Th>
                <Table.Th>{t("history.what")}</Table.Th>
                <Table.Th>{t("history.why")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {history.map((event) => (
                <Table.Tr key={event.at}>
                  <Table.Td>{dateTime(event.at)}</Table.Td>
                  <Table.Td>{event.actor ?? t("history.rule")}</Table.Td>
                  <Table.Td>{word("history", event.action)}</Table.Td>
                  <Table.Td>{reasonsText(event.reasons)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      )}
      {difference != null && against != null ? (
        <Text size="sm" mt="xs">
          {t("history.against", {
            difference: signed(difference),
            number: against,
            cases: number(cases?.length ?? 0),
            low: signed(low),
            high: signed(high),
          })}
        </Text>
      ) : null}
    </Section>
  );
}

function Lineage({ model }: { model: Detail }) {
  const { lineage } = model;
  const rows: [string, ReactNode][] = [
    [t("lineage.snapshot"), <Hash key="s" value={lineage.snapshot_sha256} />],
    [t("lineage.weights"), <Hash key="w" value={lineage.weights_sha256} />],
    [t("lineage.parent"), originText(lineage)],
    ...(lineage.members === null
      ? []
      : [
          [t("lineage.members"), t("lineage.membersOf", { n: lineage.members })] as [
            string,
            string,
          ],
        ]),
    ...(lineage.committee === null
      ? []
      : [
          [t("lineage.committee"), t("lineage.committeeOf", { n: lineage.committee })] as [
            string,
            string,
          ],
        ]),
    ...(lineage.choice === null
      ? []
      : [[t("lineage.choice"), <Chosen key="c" choice={lineage.choice} />] as [string, ReactNode]]),
    [
      t("lineage.run"),
      `${lineage.run}${lineage.reason.text ? ` · ${reasonText(lineage.reason)}` : ""}`,
    ],
    [t("lineage.seed"), String(lineage.seed)],
    [t("lineage.code"), lineage.code_version || t("lineage.unknown")],
  ];
  return (
    <Section title={t("lineage.title")}>
      <Table>
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" w={180}>
                {name}
              </Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" mt="xs" mb={4}>
        {t("lineage.config")}
      </Text>
      <Code block tabIndex={0} style={{ maxHeight: 260, overflow: "auto" }}>
        {JSON.stringify({ ...Object(lineage.config), network: lineage.architecture }, null, 2)}
      </Code>
    </Section>
  );
}

/** How its recipe was chosen among variants, with the rule. */
function Chosen({ choice }: { choice: Schemas["ChoiceOutput"] }) {
  return (
    <>
      {choiceText(choice)}
      <Text size="xs" c="dimmed">
        {t("variants.rule")}
      </Text>
    </>
  );
}
