import { Accordion, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { ErrorNote } from "../../../components/errors";
import { t } from "../../../i18n";
import type { TabProps } from "../campaign";
import { useUnsaved } from "../unsaved";
import { useCampaignChange } from "./runs";

type Fields = Schemas["Recipe"]["recipe"];

/** The fields a text says; null for what is none, an empty object for nothing. */
export function fieldsOf(text: string): Fields | null {
  if (text.trim() === "") return {};
  try {
    const found: unknown = JSON.parse(text);
    const fields = typeof found === "object" && found !== null && !Array.isArray(found);
    return fields ? (found as Fields) : null;
  } catch {
    return null;
  }
}

/** Fields of the learning core, as JSON. */
export function FieldsInput(props: {
  label: string;
  text: string;
  onChange: (text: string) => void;
}) {
  const { label, text, onChange } = props;
  return (
    <Textarea
      label={label}
      placeholder={'{"augment": {"blur": 1.2}, "denoise": 3}'}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={fieldsOf(text) ? null : t("recipe.bad", { example: '{"denoise": 3}' })}
      styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      spellCheck={false}
      autosize
      minRows={2}
      maxRows={16}
    />
  );
}

export function recipeQuery(slug: string) {
  return queryOptions({
    queryKey: ["campaign", slug, "recipe"],
    // The form begins with what is stored now, not with what was when this tab was last looked at.
    gcTime: 0,
    queryFn: () =>
      body(client.GET("/api/v1/campaigns/{slug}/recipe", { params: { path: { slug } } })),
  });
}

/** What all runs of the campaign change; folded, since few campaigns need it. */
export function Recipe({ campaign, onUnsaved }: TabProps) {
  const { slug } = campaign;
  const recipe = useQuery(recipeQuery(slug));
  return (
    <Accordion variant="contained">
      <Accordion.Item value="recipe">
        <Accordion.Control>{t("recipe.title")}</Accordion.Control>
        <Accordion.Panel>
          <ErrorNote error={recipe.error} onRetry={() => void recipe.refetch()} />
          {recipe.data ? (
            <Form slug={slug} stored={recipe.data.recipe} onUnsaved={onUnsaved} />
          ) : null}
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}

function Form(props: { slug: string; stored: Fields } & Pick<TabProps, "onUnsaved">) {
  const { slug, stored, onUnsaved } = props;
  const [seen, setSeen] = useState(stored);
  const [kept, setKept] = useState(() => written(stored));
  const [text, setText] = useState(kept);
  const fields = fieldsOf(text);
  const unsaved = text !== kept;
  if (stored !== seen) {
    // Changed elsewhere, as by taking over what a cross-validation chose: what is typed stays.
    setSeen(stored);
    if (!unsaved) {
      setKept(written(stored));
      setText(written(stored));
    }
  }
  useUnsaved(unsaved, onUnsaved);
  const save = useCampaignChange(slug, async (given: Fields) => {
    const path = { params: { path: { slug } }, body: { recipe: given } };
    const sent = text;
    await body(client.PUT("/api/v1/campaigns/{slug}/recipe", path));
    setKept(sent);
  });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("recipe.help")}
      </Text>
      <FieldsInput label={t("recipe.fields")} text={text} onChange={setText} />
      <ErrorNote error={save.error} />
      <Group gap="sm">
        <Button
          size="compact-sm"
          loading={save.isPending}
          disabled={!unsaved || !fields}
          onClick={() => fields && save.mutate(fields)}
        >
          {t("app.save")}
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {save.isSuccess && !unsaved ? t("recipe.saved") : ""}
        </Text>
      </Group>
    </Stack>
  );
}

function written(fields: Fields): string {
  return Object.keys(fields).length > 0 ? JSON.stringify(fields, null, 2) : "";
}
