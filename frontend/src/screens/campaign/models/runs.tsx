import { Button, Group, Modal, NumberInput, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { uploadRun } from "../../../api/upload";
import { ErrorNote } from "../../../components/errors";
import { t, word } from "../../../i18n";
import classes from "../../../styles/page.module.css";
import { usePresets } from "../policy";
import { KindFields } from "./cross";
import { StartFields } from "./origin";
import { FieldsInput, fieldsOf } from "./recipe";
import { type Draft, VariantFields, variantsOf, withVariants } from "./variants";

const LIVE: readonly string[] = ["queued", "running", "validating"];

export function isLive(run: Schemas["RunOutput"]): boolean {
  return LIVE.includes(run.state);
}

/** A change to a campaign's models, after which everything of the campaign is asked anew. */
export function useCampaignChange<T, A = void>(slug: string, act: (given: A) => Promise<T>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
}

const NUMBERS = ["epochs", "minimum_steps", "seconds"] as const;

/** Whether a run would be refused: it needs a settled case to learn from, and one held out. */
export function lacksLabels({ settled, held_out }: Schemas["RefreshOutput"]): boolean {
  return held_out === 0 || settled === held_out;
}

/** Train now: at once with the campaign's settings, or with some of them changed for this time. */
export function TrainNow({ slug, lacking = false }: { slug: string; lacking?: boolean }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        disabled={lacking}
        onClick={() => setAsking(true)}
      >
        {t("run.now")}
      </Button>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title={t("train.title")}
        classNames={{ content: classes.withActs ?? "" }}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        <TrainForm slug={slug} onDone={() => setAsking(false)} />
      </Modal>
    </>
  );
}

function TrainForm({ slug, onDone }: { slug: string; onDone: () => void }) {
  const [asked, setAsked] = useState<Schemas["RunInputRequest"]>({});
  const [file, setFile] = useState<File | null>(null);
  const [text, setText] = useState("");
  const [drafts, setDrafts] = useState<readonly Draft[]>([]);
  const fields = fieldsOf(text);
  const compares = asked.kind === "cross" && drafts.length > 0;
  const variants = compares ? variantsOf(drafts) : [];
  const presets = usePresets(slug);
  const train = useCampaignChange(slug, () => {
    const given = withVariants(asked, variants ?? []);
    const wanted = fields && Object.keys(fields).length > 0 ? { ...given, recipe: fields } : given;
    const path = { params: { path: { slug } } };
    const sent =
      asked.start === "file" && file
        ? uploadRun(slug, wanted, file)
        : body(client.POST("/api/v1/campaigns/{slug}/runs", { ...path, body: wanted }));
    return sent.then(onDone);
  });
  // A file brings its network, unless another one is chosen.
  const presetDefault = t(asked.start === "file" ? "train.presetFile" : "train.presetDefault");
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("train.help")}
      </Text>
      <KindFields asked={asked} onChange={setAsked} compares={compares} />
      {asked.kind === "cross" ? (
        <VariantFields
          drafts={drafts}
          onDrafts={setDrafts}
          presets={presets}
          asked={asked}
          onChange={setAsked}
        />
      ) : (
        <StartFields slug={slug} asked={asked} onChange={setAsked} file={file} onFile={setFile} />
      )}
      <Select
        label={t("new.training.preset")}
        placeholder={presetDefault}
        data={presets.map((value) => ({ value, label: word("new.preset", value) }))}
        value={asked.preset ?? null}
        onChange={(value) => {
          const { preset: _, ...rest } = asked;
          setAsked(value ? { ...rest, preset: value as Schemas["PresetEnum"] } : rest);
        }}
        clearable
        clearButtonProps={{ "aria-label": presetDefault }}
      />
      {NUMBERS.map((name) => (
        <NumberInput
          key={name}
          label={word("new.training", name)}
          placeholder={t("train.presetDefault")}
          value={asked[name] ?? ""}
          allowDecimal={false}
          onChange={(value) => {
            const { [name]: _, ...rest } = asked;
            setAsked(typeof value === "number" ? { ...rest, [name]: value } : rest);
          }}
        />
      ))}
      <FieldsInput label={t("train.recipe")} text={text} onChange={setText} />
      <ErrorNote error={train.error} />
      <Group justify="flex-end" gap="xs" className={classes.acts}>
        <Button variant="default" onClick={onDone}>
          {t("app.cancel")}
        </Button>
        <Button
          loading={train.isPending}
          disabled={!fields || !variants}
          onClick={() => train.mutate()}
        >
          {t("train.begin")}
        </Button>
      </Group>
    </Stack>
  );
}

export function CancelRun({ run, slug }: { run: Schemas["RunOutput"]; slug: string }) {
  const cancel = useCampaignChange(slug, () =>
    body(client.POST("/api/v1/runs/{id}/cancel", { params: { path: { id: run.id } } })),
  );
  return (
    <Group gap="xs">
      <ErrorNote error={cancel.error} />
      <Button
        size="compact-sm"
        variant="default"
        disabled={run.cancel_requested}
        loading={cancel.isPending}
        onClick={() => cancel.mutate()}
      >
        {run.cancel_requested ? t("run.cancelling") : t("run.cancel")}
      </Button>
    </Group>
  );
}
