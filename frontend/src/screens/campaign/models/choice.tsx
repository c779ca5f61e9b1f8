import { Button, Group, Table, Text } from "@mantine/core";
import { useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { Confirm } from "../../../components/confirm";
import { ErrorNote } from "../../../components/errors";
import { Scroll } from "../../../components/scroll";
import { decimal, t } from "../../../i18n";
import type { TabProps } from "../campaign";
import { questionText } from "./answers";
import { signed, signedInterval } from "./figures";
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
                  <Text size="xs" c="dimmed">
                    {row.low === null ? "" : signedInterval(row.low, row.high)}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">
                  {decimal(row.behind, 3)}
                  <Text size="xs" c="dimmed">
                    {row.standard_error === null
                      ? ""
                      : t("variants.error", { error: decimal(row.standard_error, 3) })}
                  </Text>
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

/** Has the campaign's runs do from now on what was chosen, after asking once more. */
export function TakeRecipe(props: { run: Schemas["RunOutput"]; name: string; slug: string }) {
  const { run, name, slug } = props;
  const [asking, setAsking] = useState(false);
  const take = useCampaignChange(slug, () =>
    body(client.POST("/api/v1/runs/{id}/recipe", { params: { path: { id: run.id } } })),
  );
  return (
    <Group gap="sm">
      <Button
        size="compact-sm"
        variant="default"
        loading={take.isPending}
        onClick={() => setAsking(true)}
      >
        {t("variants.take")}
      </Button>
      <Text size="sm" c="dimmed" role="status">
        {take.isSuccess ? t("variants.taken") : ""}
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
