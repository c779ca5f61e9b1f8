import {
  ActionIcon,
  Anchor,
  Button,
  ColorInput,
  Group,
  Paper,
  Radio,
  Stack,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { body, client } from "../../api/client";
import { ErrorNote } from "../../components/errors";
import { useLeave } from "../../components/leave";
import { Page } from "../../components/page";
import { t } from "../../i18n";
import { CLASS_COLOURS } from "../../viewer/palette";
import { defaults, type Policy, PolicyFields } from "../campaign/policy";
import { blankQuestion, QuestionEditor, type QuestionRow, toInput } from "../campaign/questions";

const KINDS = ["segmentation", "classification"] as const;
type Kind = (typeof KINDS)[number];

interface ClassRow {
  readonly key: number;
  readonly name: string;
  readonly colour: string;
}

const slugOf = (name: string) =>
  name
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");

export function NewCampaign() {
  useDocumentTitle(t("app.title", { page: t("new.title") }));
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [slug, setSlug] = useState<string | null>(null);
  const [description, setDescription] = useState("");
  const [guideline, setGuideline] = useState("");
  const [rows, setRows] = useState<ClassRow[]>([{ key: 0, name: "", colour: CLASS_COLOURS[0] }]);
  const [kind, setKind] = useState<Kind>("segmentation");
  const [questions, setQuestions] = useState<QuestionRow[]>([]);
  const [policy, setPolicy] = useState<Policy>(defaults);
  const draws = kind === "segmentation";
  const address = slug ?? slugOf(name);

  const create = useMutation({
    mutationFn: () =>
      body(
        client.POST("/api/v1/campaigns", {
          body: {
            slug: address,
            name,
            description,
            guideline,
            kind,
            ...policy,
            classes: draws ? rows.map(({ name, colour }) => ({ name, colour })) : [],
            questions: questions.map(toInput),
          },
        }),
      ),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["campaigns"] });
      await navigate(`/campaigns/${made.slug}/import`);
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate();
  }

  const written = [name, description, guideline, ...rows.map((row) => row.name)];
  const begun =
    written.some((text) => text.trim() !== "") || questions.some(({ text }) => text.trim() !== "");
  const asked = useLeave(begun && !create.isSuccess);

  return (
    <Page
      trail={
        <Anchor component={Link} to="/">
          {t("home.title")}
        </Anchor>
      }
    >
      {asked}
      <form onSubmit={submit}>
        <Stack gap="md" maw={720}>
          <Title order={1}>{t("new.title")}</Title>
          <Paper p="md">
            <Stack gap="sm">
              <TextInput
                label={t("new.name")}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                required
              />
              <TextInput
                label={t("new.slug")}
                description={t("new.slugHelp")}
                value={address}
                onChange={(event) => setSlug(event.currentTarget.value)}
                pattern="[a-z0-9]+(-[a-z0-9]+)*"
                required
              />
              <Textarea
                label={t("new.description")}
                value={description}
                onChange={(event) => setDescription(event.currentTarget.value)}
                autosize
                minRows={2}
              />
              <Textarea
                label={t("new.guideline")}
                description={t("new.guidelineHelp")}
                value={guideline}
                maxLength={50_000}
                onChange={(event) => setGuideline(event.currentTarget.value)}
                autosize
                minRows={3}
                maxRows={24}
              />
            </Stack>
          </Paper>
          <Paper p="md">
            <Radio.Group
              label={t("new.kind")}
              value={kind}
              onChange={(value) => {
                setKind(value as Kind);
                // The networks are others.
                const { preset: _, ...training } = policy.training ?? {};
                setPolicy({ ...policy, training });
                if (value === "classification" && questions.length === 0) {
                  setQuestions([blankQuestion(0)]);
                }
              }}
            >
              <Group mt={6}>
                {KINDS.map((each) => (
                  <Radio key={each} value={each} label={t(`new.kind.${each}`)} />
                ))}
              </Group>
            </Radio.Group>
          </Paper>
          {draws ? <ClassEditor rows={rows} onChange={setRows} /> : null}
          <QuestionEditor rows={questions} onChange={setQuestions} least={draws ? 0 : 1} />
          <PolicyFields policy={policy} draws={draws} onChange={setPolicy} />
          <ErrorNote error={create.error} />
          <Group justify="flex-end">
            <Button component={Link} to="/" variant="default">
              {t("app.cancel")}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t("new.create")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}

function ClassEditor({
  rows,
  onChange,
}: {
  rows: ClassRow[];
  onChange: (rows: ClassRow[]) => void;
}) {
  const change = (key: number, values: Partial<ClassRow>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...values } : row)));
  const add = () => {
    const key = Math.max(-1, ...rows.map((row) => row.key)) + 1;
    onChange([...rows, { key, name: "", colour: CLASS_COLOURS[key % CLASS_COLOURS.length]! }]);
  };
  return (
    <Paper p="md">
      <Title order={2} mb="sm">
        {t("new.classes")}
      </Title>
      <Stack gap="xs">
        {rows.map(({ key, name, colour }, i) => (
          <Group key={key} wrap="nowrap">
            <TextInput
              flex={1}
              aria-label={t("new.class", { n: i + 1 })}
              placeholder={t("new.class", { n: i + 1 })}
              value={name}
              onChange={(event) => change(key, { name: event.currentTarget.value })}
              required
            />
            <ColorInput
              w={150}
              aria-label={t("new.colour", { n: i + 1 })}
              value={colour}
              onChange={(value) => change(key, { colour: value })}
              swatches={[...CLASS_COLOURS]}
              swatchesPerRow={6}
              format="hex"
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t("new.removeClass", { n: i + 1 })}
              disabled={rows.length === 1}
              onClick={() => onChange(rows.filter((row) => row.key !== key))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
      <Button mt="sm" variant="default" leftSection={<IconPlus size={14} />} onClick={add}>
        {t("new.addClass")}
      </Button>
    </Paper>
  );
}
