import { Button, Fieldset, Group, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import type { Schemas } from "../../../api/client";
import { t, word } from "../../../i18n";
import { FieldsInput, fieldsOf } from "./recipe";

type Asked = Schemas["RunInputRequest"];
type Preset = Schemas["PresetEnum"];

const MOST = 3; // beside the campaign's own recipe

/** A variant as it is written: its fields are text until they are sent. */
export interface Draft {
  readonly key: number;
  readonly name: string;
  readonly preset: Preset | null;
  readonly text: string;
}

/** The variants that are sent, the campaign's own recipe first; null while something is missing. */
export function variantsOf(drafts: readonly Draft[]): Schemas["VariantInputRequest"][] | null {
  const found = drafts.flatMap(({ name, preset, text }) => {
    const recipe = fieldsOf(text);
    if (!recipe || name.trim() === "") return [];
    return [{ name: name.trim(), recipe, ...(preset ? { preset } : {}) }];
  });
  return found.length < drafts.length ? null : [{ name: t("variants.own") }, ...found];
}

/** What a run is asked for with these variants: some of it goes only with or without them. */
export function withVariants(
  asked: Asked,
  variants: readonly Schemas["VariantInputRequest"][],
): Asked {
  const { ensemble, best, ...rest } = asked;
  if (variants.length > 0) return { ...rest, variants: [...variants], best: best ?? false };
  return ensemble === undefined ? rest : { ...rest, ensemble };
}

interface Props {
  readonly drafts: readonly Draft[];
  readonly onDrafts: (drafts: readonly Draft[]) => void;
  readonly presets: readonly Preset[];
}

/** Recipes to be cross-validated beside the campaign's own, and what is to become of the best. */
export function VariantFields(props: Props & { asked: Asked; onChange: (asked: Asked) => void }) {
  const { drafts, onDrafts, presets, asked, onChange } = props;
  const key = 1 + Math.max(0, ...drafts.map((draft) => draft.key));
  const add = (
    <Button
      variant="default"
      size="compact-sm"
      onClick={() => onDrafts([...drafts, { key, name: "", preset: null, text: "" }])}
    >
      {t(drafts.length === 0 ? "variants.compare" : "variants.add")}
    </Button>
  );
  if (drafts.length === 0) return <Group>{add}</Group>;
  return (
    <>
      <Text size="sm" c="dimmed">
        {t("variants.help")}
      </Text>
      {drafts.map((draft, place) => (
        <VariantField
          key={draft.key}
          title={t("variants.nth", { n: place + 2 })}
          draft={draft}
          presets={presets}
          onChange={(changed) =>
            onDrafts(drafts.map((each) => (each.key === draft.key ? changed : each)))
          }
          onRemove={() => onDrafts(drafts.filter((each) => each.key !== draft.key))}
        />
      ))}
      {drafts.length < MOST ? <Group>{add}</Group> : null}
      <Switch
        label={t("variants.best")}
        description={t("variants.bestHelp")}
        checked={asked.best ?? false}
        onChange={(event) => onChange({ ...asked, best: event.currentTarget.checked })}
      />
    </>
  );
}

function VariantField(props: {
  title: string;
  draft: Draft;
  presets: readonly Preset[];
  onChange: (draft: Draft) => void;
  onRemove: () => void;
}) {
  const { title, draft, presets, onChange, onRemove } = props;
  return (
    <Fieldset legend={title}>
      <Stack gap="xs">
        <TextInput
          label={t("variants.name")}
          value={draft.name}
          maxLength={60}
          onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })}
          required
        />
        <Select
          label={t("new.training.preset")}
          placeholder={t("variants.presetDefault")}
          data={presets.map((value) => ({ value, label: word("new.preset", value) }))}
          value={draft.preset}
          onChange={(value) => onChange({ ...draft, preset: value as Preset | null })}
          clearable
          clearButtonProps={{ "aria-label": t("variants.presetDefault") }}
        />
        <FieldsInput
          label={t("variants.fields")}
          text={draft.text}
          onChange={(text) => onChange({ ...draft, text })}
        />
        <Group>
          <Button variant="default" size="compact-sm" onClick={onRemove}>
            {t("variants.remove")}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
