import {
  Badge,
  Button,
  ColorInput,
  Group,
  Paper,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { body, client } from "../../api/client";
import { campaignQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { t } from "../../i18n";
import classes from "../../styles/page.module.css";
import { CLASS_COLOURS } from "../../viewer/palette";
import { Questions } from "./asked";
import type { TabProps } from "./campaign";
import { settingsChanged, settingsWith } from "./changes";
import { GuidelineEditor } from "./pictures";
import { PolicyFields } from "./policy";
import { useUnsaved } from "./unsaved";

export function SettingsTab({ campaign, onUnsaved }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const [saved, setSaved] = useState(campaign.settings);
  const [form, setForm] = useState(campaign.settings);
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const { name, description = "", guideline = "", ...policy } = form;
  // Against what this form began with: what another manager saved meanwhile stays as it is.
  const unsaved = Object.keys(settingsChanged(saved, form)).length > 0;
  useUnsaved(unsaved, onUnsaved);
  const save = useMutation({
    mutationFn: (sent: typeof form) =>
      body(
        client.PATCH("/api/v1/campaigns/{slug}", {
          params: { path: { slug } },
          body: settingsChanged(saved, sent),
        }),
      ),
    onSuccess: (data, sent) => {
      queries.setQueryData(campaignQuery(slug).queryKey, data);
      setSaved(data.settings);
      // What was typed while it was under way stays to be saved.
      setForm((now) => settingsWith(data.settings, settingsChanged(sent, now)));
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate(form);
  }

  return (
    <Stack gap="md" maw={720}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Paper p="md">
            <TextInput
              label={t("new.name")}
              value={name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              required
              mb="sm"
            />
            <Textarea
              label={t("new.description")}
              value={description}
              onChange={(event) => set({ description: event.currentTarget.value })}
              autosize
              minRows={2}
            />
            <GuidelineEditor
              slug={slug}
              text={guideline}
              onChange={(guideline) => set({ guideline })}
            />
          </Paper>
          <PolicyFields policy={policy} draws={campaign.kind === "segmentation"} onChange={set} />
          <ErrorNote error={save.error} />
          <Group justify="flex-end">
            <Text c="var(--reticle-good)" role="status">
              {save.isSuccess && !unsaved ? t("settings.saved") : ""}
            </Text>
            <Button type="submit" loading={save.isPending} disabled={!unsaved}>
              {t("app.save")}
            </Button>
          </Group>
        </Stack>
      </form>
      {campaign.kind === "segmentation" ? (
        <Classes campaign={campaign} onUnsaved={onUnsaved} />
      ) : null}
      <Questions campaign={campaign} onUnsaved={onUnsaved} />
    </Stack>
  );
}

/** The first colour of the palette that no class has; where all are taken, one takes turns. */
function unusedColour(used: readonly string[]): string {
  const taken = new Set(used.map((colour) => colour.toUpperCase()));
  const free = CLASS_COLOURS.find((colour) => !taken.has(colour.toUpperCase()));
  return free ?? CLASS_COLOURS[used.length % CLASS_COLOURS.length]!;
}

function Classes({ campaign, onUnsaved }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const [name, setName] = useState("");
  useUnsaved(name.trim() !== "", onUnsaved);
  const [colour, setColour] = useState<string>(() =>
    unusedColour(campaign.classes.map((each) => each.colour)),
  );
  const add = useMutation({
    mutationFn: () =>
      body(
        client.POST("/api/v1/campaigns/{slug}/classes", {
          params: { path: { slug } },
          body: { name, colour },
        }),
      ),
    onSuccess: async () => {
      setName("");
      setColour(unusedColour([...campaign.classes.map((each) => each.colour), colour]));
      await queries.invalidateQueries({ queryKey: campaignQuery(slug).queryKey });
    },
  });
  return (
    <Paper p="md">
      <Title order={2} mb="sm">
        {t("settings.classes")}
      </Title>
      <Stack gap={6} mb="sm">
        {campaign.classes.map((each) => (
          <Group key={each.index} gap="xs">
            <span className={classes.swatch} style={{ background: each.colour }} />
            <Text>
              {each.index} {each.name}
            </Text>
            {each.retired ? (
              <Badge variant="light" color="gray" tt="none">
                {t("settings.retired")}
              </Badge>
            ) : null}
          </Group>
        ))}
      </Stack>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <Group>
          <TextInput
            aria-label={t("settings.className")}
            placeholder={t("settings.className")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
          />
          <ColorInput
            w={150}
            aria-label={t("settings.classColour")}
            value={colour}
            onChange={setColour}
            swatches={[...CLASS_COLOURS]}
            swatchesPerRow={6}
          />
          <Button type="submit" variant="default" loading={add.isPending}>
            {t("settings.addClass")}
          </Button>
        </Group>
      </form>
      <ErrorNote error={add.error} />
    </Paper>
  );
}
