/** How groups of patients fare: drawn, and in figures. */
import { Table, Text } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { Dots } from "../../../components/dots";
import { Scroll } from "../../../components/scroll";
import { decimal, number, t } from "../../../i18n";
import { intervalText, signed, signedInterval } from "./figures";
import { Below, Interval, Measured } from "./measured";
import { Section } from "./measures";
import { groupName } from "./reasons";

type Detail = Schemas["ModelDetailOutput"];

/** What is told of a group beside its mean, with its decimals. */
const GROUP_DRAWN = {
  hd95: 1,
  lesion_sensitivity: 2,
  false_positives_per_image: 2,
} as const satisfies Partial<Record<keyof Group, number>>;
const GROUP_ANSWERS = {
  auc: 2,
  sensitivity: 2,
  specificity: 2,
} as const satisfies Partial<Record<keyof Group, number>>;
type Group = Schemas["SubgroupOutput"];
type GroupMetric = keyof typeof GROUP_DRAWN | keyof typeof GROUP_ANSWERS;

export function Subgroups({ model }: { model: Detail }) {
  const asks = model.metric === "accuracy";
  const more = Object.entries(asks ? GROUP_ANSWERS : GROUP_DRAWN) as [GroupMetric, number][];
  return (
    <Section title={t("subgroups.title")}>
      <Text size="sm" c="dimmed">
        {model.subgroups.length === 0
          ? t("subgroups.none")
          : t(asks ? "subgroups.helpAnswers" : "subgroups.help")}
      </Text>
      <Means model={model} />
      {model.subgroups.length > 0 ? (
        <Scroll label={t("subgroups.title")} minWidth={760}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("subgroups.group")}</Table.Th>
                <Table.Th ta="right">{t("metrics.patients")}</Table.Th>
                <Table.Th ta="right">
                  {t(asks ? "subgroups.meanAccuracy" : "subgroups.mean")}
                </Table.Th>
                <Table.Th ta="right">{t("subgroups.difference")}</Table.Th>
                {more.map(([name]) => (
                  <Table.Th key={name} ta="right">
                    {t(`metrics.${name}`)}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {model.subgroups.map((row) => (
                <Table.Tr key={`${row.attribute} ${row.value}`}>
                  <Table.Th scope="row">{groupName(row)}</Table.Th>
                  <Table.Td ta="right">{number(row.patients)}</Table.Td>
                  {row.enough ? (
                    <>
                      <Table.Td ta="right">
                        {decimal(row.mean)}
                        <Below>{intervalText(row.low, row.high)}</Below>
                      </Table.Td>
                      <Table.Td ta="right">
                        {row.difference === null ? (
                          <Text size="xs" c="dimmed">
                            {t("subgroups.restTooFew")}
                          </Text>
                        ) : (
                          <>
                            {signed(row.difference)}
                            <Below>{signedInterval(row.difference_low, row.difference_high)}</Below>
                          </>
                        )}
                      </Table.Td>
                      {more.map(([name, digits]) => (
                        <Table.Td key={name} ta="right">
                          <Measured value={row[name]} digits={digits} />
                          <Interval
                            low={row[`${name}_low`]}
                            high={row[`${name}_high`]}
                            digits={digits}
                          />
                        </Table.Td>
                      ))}
                    </>
                  ) : (
                    <Table.Td colSpan={2 + more.length}>
                      <Text size="xs" c="dimmed">
                        {t("subgroups.tooFew")}
                      </Text>
                    </Table.Td>
                  )}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      ) : null}
    </Section>
  );
}

/** The mean of each group that has one, against the version's own; the table has the figures. */
function Means({ model }: { model: Detail }) {
  const { subgroups, score } = model;
  const measure = t(model.metric === "accuracy" ? "subgroups.meanAccuracy" : "subgroups.mean");
  const dots = subgroups.flatMap((row) =>
    row.mean === null
      ? []
      : [{ ...row, name: groupName(row), kind: row.attribute, value: row.mean }],
  );
  if (dots.length === 0) return null;
  return (
    <>
      <Text size="sm" mt="xs" mb={4}>
        {score === null
          ? t("subgroups.drawn", { measure })
          : t("subgroups.drawnAgainst", { measure, whole: decimal(score) })}
      </Text>
      <Dots label={t("subgroups.plot", { measure })} dots={dots} whole={score} />
    </>
  );
}
