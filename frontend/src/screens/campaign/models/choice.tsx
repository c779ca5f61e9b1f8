import { Button, Group, Table, Text, Title } from "@mantine/core";
import { hashKey, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { Confirm } from "../../../components/confirm";
import { ErrorNote } from "../../../components/errors";
import { Scroll } from "../../../components/scroll";
import { decimal, t } from "../../../i18n";
import type { TabProps } from "../campaign";
import { questionText } from "./answers";
import { signed, signedInterval } from "./figures";
import { Below } from "./measured";
import { recipeQuery } from "./recipe";
import { useCampaignChange } from "./runs";

type Choice = Schemas["RunChoice"];
type Questions = TabProps["campaign"]["questions"];

/** The name of the variant that the rule took; empty where all have diverged. */
export function chosenName({ chosen, variants }: Schemas["ChoiceOutput"]): string {
  return chosen === null ? "" : (variants[chosen]?.name ?? "");
}

/** All variants by their means, the chosen one said. */
export function choiceText(choice: Schemas["ChoiceOutput"]): string {
  const means = choice.variants.map(({ name, mean, error }) =>
    error ? `${name} ${t("variants.diverged")}` : `${name} ${decimal(mean, 3)}`,
  );
  const words = choice.metric === "dice" ? "variants.chosenDice" : "variants.chosenAccuracy";
  return t(words, { name: chosenName(choice), means: means.join(" · ") });
}

/** The variants side by side, and which one the rule took. */
export function ChoiceTable({ choice, questions }: { choice: Choice; questions: Questions }) {
  const asks = choice.metric === "accuracy";
  const parts = partsOf(choice.variants.find(({ report }) => report)?.report ?? null);
  return (
    <>
      <Title order={3} mt="xs">
        {t("variants.title")}
      </Title>
      <Scroll label={t("variants.title")} minWidth={560}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("variants.variant")}</Table.Th>
              <Table.Th ta="right">{t(asks ? "compare.meanAnswers" : "compare.mean")}</Table.Th>
              <Table.Th ta="right">{t("cross.spread")}</Table.Th>
              <Table.Th ta="right">{t("variants.difference")}</Table.Th>
              <Table.Th ta="right">{t("variants.behind")}</Table.Th>
              {[...parts.keys()].map((name) => (
                <Table.Th key={name} ta="right">
                  {asks ? questionText(questions, name) : name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {choice.variants.map((row, place) => (
              <Table.Tr key={row.name}>
                <Table.Th scope="row">
                  {row.name}
                  <Text size="xs" c="dimmed">
                    {place === choice.chosen ? t("variants.chosen") : ""}
                    {row.error ? t("variants.diverged") : ""}
                    {row.error ? <span lang="en">: {row.error}</span> : null}
                  </Text>
                </Table.Th>
                <Table.Td ta="right">{decimal(row.mean, 3)}</Table.Td>
                <Table.Td ta="right">{decimal(row.spread, 3)}</Table.Td>
                <Table.Td ta="right">
                  {signed(row.difference)}
                  <Below>{row.low === null ? "" : signedInterval(row.low, row.high)}</Below>
                </Table.Td>
                <Table.Td ta="right">
                  {decimal(row.behind, 3)}
                  <Below>
                    {row.standard_error === null
                      ? ""
                      : t("variants.error", { error: decimal(row.standard_error, 3) })}
                  </Below>
                </Table.Td>
                {[...parts.keys()].map((name) => (
                  <Table.Td key={name} ta="right">
                    {decimal(partsOf(row.report).get(name))}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
      <Text size="sm" c="dimmed">
        {t("variants.rule")}
      </Text>
    </>
  );
}

/** Settings of a run's configuration that are taken over; the rest, but for these, is its recipe. */
const TAKEN = ["preset", "epochs", "minimum_steps"] as const;
const OTHERS: readonly string[] = [...TAKEN, "seconds", "threads"];

/** Whether a configuration is what the campaign's runs do anyway. */
function isOwn(config: Config, training: Schemas["TrainingPolicy"] | undefined, recipe: Config) {
  const fields = Object.entries(config).filter(([name]) => !OTHERS.includes(name));
  const same = hashKey([Object.fromEntries(fields)]) === hashKey([recipe]);
  return same && TAKEN.every((name) => config[name] === training?.[name]);
}

type Config = Record<string, unknown>;

interface TakeProps extends TabProps {
  readonly run: Schemas["RunOutput"];
  readonly name: string;
}

/**
 * Has the campaign's runs do from now on what was chosen, after asking once more; not offered where
 * they do it anyway.
 */
export function TakeRecipe({ run, name, campaign }: TakeProps) {
  const { slug, settings } = campaign;
  const [asking, setAsking] = useState(false);
  const { data: stored } = useQuery(recipeQuery(slug));
  const own = stored && isOwn(run.config as Config, settings.training, stored.recipe);
  const take = useCampaignChange(slug, () =>
    body(client.POST("/api/v1/runs/{id}/recipe", { params: { path: { id: run.id } } })),
  );
  return (
    <Group gap="sm">
      {own ? null : (
        <Button
          size="compact-sm"
          variant="default"
          loading={take.isPending}
          onClick={() => setAsking(true)}
        >
          {t("variants.take")}
        </Button>
      )}
      <Text size="sm" c="dimmed" role="status">
        {take.isSuccess ? t("variants.taken") : own ? t("variants.isOwn") : ""}
      </Text>
      <ErrorNote error={take.error} />
      <Confirm
        opened={asking}
        title={t("variants.takeTitle", { name })}
        help={t("variants.takeHelp")}
        act={t("variants.take")}
        harmless
        onClose={() => setAsking(false)}
        onConfirm={() => take.mutate()}
      />
    </Group>
  );
}

/** Dice by class, or accuracy by question. */
function partsOf(report: Schemas["CrossOutput"] | null): Map<string, number | null> {
  return new Map([
    ...(report?.classes ?? []).map(({ name, dice }) => [name, dice] as const),
    ...(report?.questions ?? []).map(({ name, accuracy }) => [name, accuracy] as const),
  ]);
}
