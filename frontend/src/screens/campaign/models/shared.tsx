/** What two versions draw, or answer, on the same case, beside what people settled. */
import { Button, Group, Select, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Schemas } from "../../../api/client";
import { Scroll } from "../../../components/scroll";
import { decimal, list, number, percent, t } from "../../../i18n";
import page from "../../../styles/page.module.css";
import classes from "../../../styles/plot.module.css";
import type { TabProps } from "../campaign";
import { questionText } from "./answers";
import { Section } from "./measures";

type Case = Schemas["SharedCase"];
type Model = Pick<Schemas["ModelOutput"], "id" | "number">;
type Questions = TabProps["campaign"]["questions"];

interface Props {
  readonly compared: Pick<Schemas["CompareOutput"], "metric" | "shared" | "silent">;
  readonly model: Model;
  readonly rival: Model;
  readonly questions: Questions;
  /** The classes that pictures may show. */
  readonly drawn: readonly Pick<Schemas["ClassOutput"], "index" | "name" | "colour">[];
}

interface OneCase {
  readonly shown: Case;
  readonly sides: readonly (Side & { model: Model })[];
}

type Side = Schemas["SharedSide"];

/** Held-out cases are never among them; where there is none it says why. */
export function Shared({ compared, model, rival, questions, drawn }: Props) {
  const [place, setPlace] = useState(0);
  const { shared, silent, metric } = compared;
  const asks = metric === "accuracy";
  const title = t(asks ? "compare.answers" : "compare.drawings");
  const at = Math.min(place, shared.length - 1);
  const shown = shared[at];
  if (!shown) {
    const versions = list(silent.map((each) => `v${each}`));
    return (
      <Section title={title}>
        <Text>{silent.length > 0 ? t("compare.silent", { versions }) : t("compare.noCases")}</Text>
        <Text size="sm" c="dimmed">
          {t("compare.hidden")}
        </Text>
      </Section>
    );
  }
  const step = (by: number) => setPlace((at + by + shared.length) % shared.length);
  const sides = [
    { ...shown.model, model },
    { ...shown.against, model: rival },
  ];
  return (
    <Section title={title}>
      <Text size="sm" c="dimmed">
        {t(asks ? "compare.answersHelp" : "compare.drawingsHelp")}
      </Text>
      <Group align="flex-end" gap="xs" my="xs">
        <Select
          label={t("compare.case")}
          w={340}
          data={shared.map((each, index) => ({ value: String(index), label: nameOf(each) }))}
          value={String(at)}
          onChange={(value) => value && setPlace(Number(value))}
          allowDeselect={false}
        />
        <Button variant="default" onClick={() => step(-1)}>
          {t("compare.previous")}
        </Button>
        <Button variant="default" onClick={() => step(1)}>
          {t("compare.next")}
        </Button>
        <Text size="sm" c="dimmed" role="status" pb={8}>
          {t("compare.place", { place: number(at + 1), count: number(shared.length) })}
        </Text>
      </Group>
      {asks ? (
        <Answers shown={shown} sides={sides} questions={questions} />
      ) : (
        <>
          <Legend drawn={drawn} />
          <Drawings shown={shown} sides={sides} />
        </>
      )}
    </Section>
  );
}

function nameOf({ patient, slice, disagreement }: Case): string {
  const where = { patient, slice: slice + 1 };
  return disagreement === null
    ? t("compare.caseOnly", where)
    : t("compare.caseName", { ...where, share: percent(disagreement) });
}

/** Which colour is which class. */
function Legend({ drawn }: Pick<Props, "drawn">) {
  return (
    <Group component="ul" gap="sm" my="xs" p={0} aria-label={t("work.classes")}>
      {drawn.map(({ index, name, colour }) => (
        <Group key={index} component="li" gap={6} wrap="nowrap" style={{ listStyle: "none" }}>
          <span className={page.swatch} style={{ background: colour }} />
          <Text size="sm">{name}</Text>
        </Group>
      ))}
    </Group>
  );
}

function Drawings({ shown, sides }: OneCase) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }}>
      <Label shown={shown} beside={sides[0]!.model} />
      {sides.map(({ model, ...side }) => (
        <Picture
          key={model.id}
          address={`/api/v1/models/${model.id}/drawing?image=${shown.image}`}
          text={t("compare.picture", {
            patient: shown.patient,
            slice: shown.slice + 1,
            number: model.number,
          })}
        >
          v{model.number}
          <Text size="sm" c="dimmed">
            {side.error === null ? null : `${t("metrics.dice")} ${decimal(1 - side.error)} · `}
            {learned(side)}
          </Text>
        </Picture>
      ))}
    </SimpleGrid>
  );
}

/** The image with what people settled on it; alone before they have. */
function Label({ shown, beside }: { shown: Case; beside: Model }) {
  const where = { patient: shown.patient, slice: shown.slice + 1 };
  return (
    <Picture
      address={`/api/v1/models/${beside.id}/label?image=${shown.image}`}
      text={t(shown.labelled ? "compare.labelPicture" : "compare.plainPicture", where)}
    >
      {t(shown.labelled ? "compare.label" : "compare.unlabelled")}
    </Picture>
  );
}

function Picture(props: { address: string; text: string; children: ReactNode }) {
  return (
    <figure className={classes.drawing}>
      <img src={props.address} alt={props.text} />
      <figcaption>{props.children}</figcaption>
    </figure>
  );
}

/** How much of its answers is right, where people have answered, and whether it knew them. */
function sideText(side: Side): string {
  if (side.error === null) return learned(side);
  return `${t("compare.right", { share: percent(1 - side.error) })} · ${learned(side)}`;
}

const learned = (side: Side) => t(side.learned ? "compare.learned" : "compare.notLearned");

function Answers({ shown, sides, questions }: OneCase & { questions: Questions }) {
  const where = { patient: shown.patient, slice: shown.slice + 1 };
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Picture
        address={`/api/v1/models/${sides[0]!.model.id}/label?image=${shown.image}`}
        text={t("compare.plainPicture", where)}
      >
        {t("compare.caseOnly", where)}
      </Picture>
      <Stack gap="xs">
        <Scroll label={t("compare.answers")} minWidth={420}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("answers.question")}</Table.Th>
                <Table.Th>{t("answers.option")}</Table.Th>
                <Table.Th>{t("compare.label")}</Table.Th>
                {sides.map(({ model }) => (
                  <Table.Th key={model.id} ta="right">
                    v{model.number}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.questions.map((row) => (
                <Options key={row.name} row={row} text={questionText(questions, row.name)} />
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
        {shown.labelled ? null : <Text size="sm">{t("compare.unlabelled")}</Text>}
        {sides.map(({ model, ...side }) => (
          <Text key={model.id} size="sm" c="dimmed">
            {t("app.named", { name: `v${model.number}`, value: sideText(side) })}
          </Text>
        ))}
      </Stack>
    </SimpleGrid>
  );
}

/** The options of a question: whether people chose them, and both probabilities. */
function Options({ row, text }: { row: Schemas["SharedQuestion"]; text: string }) {
  return row.options.map(({ option, model, against }, i) => (
    <Table.Tr key={option}>
      {i === 0 ? (
        <Table.Th scope="row" rowSpan={row.options.length} style={{ verticalAlign: "top" }}>
          {text}
        </Table.Th>
      ) : null}
      <Table.Td>{option}</Table.Td>
      <Table.Td>{row.settled.includes(option) ? t("compare.chosen") : ""}</Table.Td>
      <Table.Td ta="right">{decimal(model)}</Table.Td>
      <Table.Td ta="right">{decimal(against)}</Table.Td>
    </Table.Tr>
  ));
}
