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
import { GuidelineEditor } from "./pictures";
import { type Policy, PolicyFields } from "./policy";

export function SettingsTab({ campaign }: TabProps) {
  const { slug, settings } = campaign;
  const queries = useQueryClient();
  const {
    name: savedName,
    description: savedDescription = "",
    guideline: savedGuideline = "",
    ...savedPolicy
  } = settings;
  const [name, setName] = useState(savedName);
  const [description, setDescription] = useState(savedDescription);
  const [guideline, setGuideline] = useState(savedGuideline);
  const [policy, setPolicy] = useState<Policy>(savedPolicy);
  const save = useMutation({
    mutationFn: () =>
      body(
        client.PATCH("/api/v1/campaigns/{slug}", {
          params: { path: { slug } },
          body: { name, description, guideline, ...policy },
        }),
      ),
    onSuccess: (data) => queries.setQueryData(campaignQuery(slug).queryKey, data),
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate();
  }

  return (
    <Stack gap="md" maw={720}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Paper p="md">
            <TextInput
              label={t("new.name")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
              mb="sm"
            />
            <Textarea
              label={t("new.description")}
              value={description}
              onChange={(event) => setDescription(event.currentTarget.value)}
              autosize
              minRows={2}
            />
            <GuidelineEditor slug={slug} text={guideline} onChange={setGuideline} />
          </Paper>
          <PolicyFields
            policy={policy}
            draws={campaign.kind === "segmentation"}
            onChange={setPolicy}
          />
          <ErrorNote error={save.error} />
          <Group justify="flex-end">
            <Text c="var(--reticle-good)" role="status">
              {save.isSuccess ? t("settings.saved") : ""}
            </Text>
            <Button type="submit" loading={save.isPending}>
              {t("app.save")}
            </Button>
          </Group>
        </Stack>
      </form>
      {campaign.kind === "segmentation" ? <Classes campaign={campaign} /> : null}
      <Questions campaign={campaign} />
    </Stack>
  );
}

function Classes({ campaign }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [colour, setColour] = useState<string>(
    CLASS_COLOURS[campaign.classes.length % CLASS_COLOURS.length]!,
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
            w={130}
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
