/** The questions of a running campaign: new ones, other words for options, and what is retired. */
import { Badge, Button, Group, Paper, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { body, client, type Schemas } from "../../api/client";
import { campaignQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { t, word } from "../../i18n";
import type { TabProps } from "./campaign";
import { blankQuestion, QuestionFields, toInput } from "./questions";
import { useUnsaved } from "./unsaved";

type Question = Schemas["QuestionOutput"];
type Change = Schemas["PatchedQuestionChangeRequest"];

interface AskedProps extends Pick<TabProps, "onUnsaved"> {
  readonly question: Question;
  readonly slug: string;
}

export function Questions({ campaign, onUnsaved }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const [row, setRow] = useState(() => blankQuestion(campaign.questions.length));
  const chooses = row.kind === "single" || row.kind === "multiple";
  const typed = chooses ? `${row.text}${row.options}` : row.text;
  useUnsaved(typed.trim() !== "", onUnsaved);
  const add = useMutation({
    mutationFn: () =>
      body(
        client.POST("/api/v1/campaigns/{slug}/questions", {
          params: { path: { slug } },
          body: toInput(row),
        }),
      ),
    onSuccess: async () => {
      setRow(blankQuestion(row.key + 1));
      await queries.invalidateQueries({ queryKey: campaignQuery(slug).queryKey });
    },
  });
  return (
    <Paper p="md">
      <Title order={2} mb="sm">
        {t("settings.questions")}
      </Title>
      <Stack gap="md" mb="md">
        {campaign.questions.map((each) => (
          <Asked key={each.name} question={each} slug={slug} onUnsaved={onUnsaved} />
        ))}
      </Stack>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <QuestionFields row={row} place={campaign.questions.length} onChange={setRow} />
        <Button mt="sm" type="submit" variant="default" loading={add.isPending}>
          {t("new.addQuestion")}
        </Button>
      </form>
      <ErrorNote error={add.error} />
    </Paper>
  );
}

function useChange(slug: string, { name }: Question) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: Change) =>
      body(
        client.PATCH("/api/v1/campaigns/{slug}/questions/{name}", {
          params: { path: { slug, name } },
          body: change,
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: campaignQuery(slug).queryKey }),
  });
}

function Asked({ question, slug, onUnsaved }: AskedProps) {
  const { text, kind, retired } = question;
  const change = useChange(slug, question);
  const chooses = kind === "single" || kind === "multiple";
  return (
    <Stack gap={6} component="section" aria-label={text}>
      <Group gap="xs" wrap="nowrap" align="baseline">
        <Text fw={600}>{text}</Text>
        <Text c="dimmed" style={{ whiteSpace: "nowrap" }}>
          {word("question", kind)}
        </Text>
        {retired ? <Retired /> : null}
        <Button
          ml="auto"
          size="compact-xs"
          variant="default"
          style={{ flex: "none" }}
          loading={change.isPending}
          aria-label={t(retired ? "settings.restoreQuestion" : "settings.retireQuestion", {
            question: text,
          })}
          onClick={() => change.mutate({ retired: !retired })}
        >
          {retired ? t("settings.restore") : t("settings.retire")}
        </Button>
      </Group>
      <ErrorNote error={change.error} />
      {chooses && !retired ? (
        // What the server changed is shown anew, and what is typed is not lost to a look at it.
        <Options
          key={wordsOf(question).join("\n")}
          question={question}
          slug={slug}
          onUnsaved={onUnsaved}
        />
      ) : null}
    </Stack>
  );
}

function Retired() {
  return (
    <Badge variant="light" color="gray" tt="none" style={{ flex: "none" }}>
      {t("settings.retired")}
    </Badge>
  );
}

function wordsOf({ options, dropped }: Question): string[] {
  return [...(options ?? []), ...(dropped ?? [])];
}

function Options({ question, slug, onUnsaved }: AskedProps) {
  const { text, options = [] } = question;
  const change = useChange(slug, question);
  const before = wordsOf(question);
  const [names, setNames] = useState(before);
  const isRetired = (place: number) => place >= options.length;
  const renamed = before.flatMap((was, place) =>
    names[place] === was ? [] : [{ was, name: names[place]!, retired: isRetired(place) }],
  );
  useUnsaved(renamed.length > 0, onUnsaved);

  function submit(event: FormEvent) {
    event.preventDefault();
    change.mutate({ options: renamed });
  }

  return (
    <form onSubmit={submit} aria-label={t("settings.optionsOf", { question: text })}>
      <Stack gap={4} pl="md">
        {before.map((was, place) => {
          const retired = isRetired(place);
          const named = { n: place + 1, question: text };
          return (
            <Group key={was} gap="xs" wrap="nowrap">
              <TextInput
                flex={1}
                size="xs"
                maxLength={100}
                required
                aria-label={t("settings.option", named)}
                value={names[place] ?? ""}
                onChange={(event) =>
                  setNames(names.map((each, i) => (i === place ? event.currentTarget.value : each)))
                }
              />
              {retired ? <Retired /> : null}
              <Button
                size="compact-xs"
                variant="default"
                disabled={change.isPending || (!retired && options.length <= 2)}
                aria-label={t(retired ? "settings.restoreOption" : "settings.retireOption", named)}
                onClick={() => change.mutate({ options: [{ was, name: was, retired: !retired }] })}
              >
                {retired ? t("settings.restore") : t("settings.retire")}
              </Button>
            </Group>
          );
        })}
        {renamed.length > 0 ? (
          <Group gap="xs">
            <Button
              size="compact-sm"
              type="submit"
              loading={change.isPending}
              aria-label={t("settings.saveOptions", { question: text })}
            >
              {t("app.save")}
            </Button>
            <Text size="sm" c="dimmed">
              {t("settings.optionsHelp")}
            </Text>
          </Group>
        ) : null}
        <ErrorNote error={change.error} />
      </Stack>
    </form>
  );
}
