/** A guideline being written: its text, the campaign's pictures, and how readers will see it. */
import {
  ActionIcon,
  Button,
  FileButton,
  Group,
  Paper,
  Stack,
  Text,
  Textarea,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { IconPhotoPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { body, client, type Schemas } from "../../api/client";
import { picturesQuery } from "../../api/queries";
import { uploadPicture } from "../../api/upload";
import { Confirm } from "../../components/confirm";
import { ErrorNote } from "../../components/errors";
import { Guideline } from "../../components/guideline";
import { t } from "../../i18n";
import classes from "../../styles/page.module.css";

interface Props {
  readonly slug: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
}

export function GuidelineEditor({ slug, text, onChange }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  /** Where the cursor is, on a line of its own. */
  const insert = (id: number) => {
    const at = field.current?.selectionEnd ?? text.length;
    const before = text.slice(0, at).replace(/\n+$/, "");
    const after = text.slice(at).replace(/^\n+/, "");
    const picture = `![${t("settings.pictureCaption")}](picture:${id})`;
    onChange([before, picture, after].filter((part) => part !== "").join("\n\n"));
  };
  return (
    <>
      <Textarea
        ref={field}
        label={t("new.guideline")}
        description={t("settings.guidelineHelp")}
        value={text}
        maxLength={50_000}
        onChange={(event) => onChange(event.currentTarget.value)}
        autosize
        minRows={5}
        maxRows={24}
        mt="sm"
      />
      <Pictures slug={slug} onInsert={insert} />
      {text.trim() === "" ? null : (
        <Paper p="sm" mt="sm" withBorder component="section" aria-label={t("settings.preview")}>
          <Title order={3} mb={4} fz="sm" c="dimmed">
            {t("settings.preview")}
          </Title>
          <Guideline text={text} />
        </Paper>
      )}
    </>
  );
}

function Pictures({ slug, onInsert }: { slug: string; onInsert: (id: number) => void }) {
  const queries = useQueryClient();
  const { data, error } = useQuery(picturesQuery(slug));
  const refresh = () => queries.invalidateQueries({ queryKey: picturesQuery(slug).queryKey });
  const add = useMutation({
    mutationFn: (file: File) => uploadPicture(slug, file),
    onSuccess: (made) => onInsert(made.id),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: (id: number) =>
      body(client.DELETE("/api/v1/pictures/{id}", { params: { path: { id } } })),
    onSettled: refresh,
  });
  return (
    <Stack gap={6} mt="xs">
      <Group gap="xs" wrap="nowrap">
        <FileButton accept="image/png,image/jpeg" onChange={(file) => file && add.mutate(file)}>
          {(props) => (
            <Button
              {...props}
              variant="default"
              size="xs"
              style={{ flex: "none" }}
              leftSection={<IconPhotoPlus size={15} aria-hidden />}
              loading={add.isPending}
            >
              {t("settings.picture")}
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed">
          {t("settings.pictureHelp")}
        </Text>
      </Group>
      <ErrorNote error={add.error ?? remove.error ?? error} />
      <Group gap="sm">
        {data?.map((each) => (
          <Thumb
            key={each.id}
            picture={each}
            onInsert={() => onInsert(each.id)}
            onRemove={() => remove.mutate(each.id)}
          />
        ))}
      </Group>
    </Stack>
  );
}

function Thumb(props: {
  picture: Schemas["PictureOutput"];
  onInsert: () => void;
  onRemove: () => void;
}) {
  const { picture, onInsert, onRemove } = props;
  const [asking, setAsking] = useState(false);
  const n = picture.id;
  return (
    <Group gap={2} wrap="nowrap" align="flex-start">
      <UnstyledButton aria-label={t("settings.pictureInsert", { n })} onClick={onInsert}>
        <img className={classes.thumb} src={picture.url} alt={t("settings.pictureAlt", { n })} />
      </UnstyledButton>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={t("settings.pictureRemove", { n })}
        onClick={() => setAsking(true)}
      >
        <IconTrash size={14} />
      </ActionIcon>
      <Confirm
        opened={asking}
        title={t("settings.pictureRemoveTitle", { n })}
        help={t("settings.pictureRemoveHelp")}
        act={t("settings.pictureRemove", { n })}
        onClose={() => setAsking(false)}
        onConfirm={onRemove}
      />
    </Group>
  );
}
