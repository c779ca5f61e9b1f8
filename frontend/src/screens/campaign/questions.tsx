/** The form for questions of the whole image: a list for a new campaign, one for a running one. */
import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  Paper,
  Stack,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { t } from "../../i18n";

const KINDS = ["single", "multiple", "scale", "text"] as const;
type Input = Schemas["QuestionInputRequest"];

export interface QuestionRow {
  readonly key: number;
  readonly text: string;
  readonly kind: (typeof KINDS)[number];
  /** One option a line. */
  readonly options: string;
  readonly low: number;
  readonly high: number;
  readonly required: boolean;
}

export const blankQuestion = (key: number): QuestionRow => ({
  key,
  text: "",
  kind: "single",
  options: "",
  low: 1,
  high: 5,
  required: true,
});

/** What the server wants to know of a question: nothing that its kind has no use for. */
export function toInput({ text, kind, options, low, high, required }: QuestionRow): Input {
  const lines = options.split("\n").map((line) => line.trim());
  if (kind === "scale") return { text, kind, low, high, required };
  if (kind === "text") return { text, kind, required };
  return { text, kind, options: lines.filter((line) => line !== ""), required };
}

export function QuestionEditor({
  rows,
  onChange,
  least,
}: {
  rows: QuestionRow[];
  onChange: (rows: QuestionRow[]) => void;
  least: number;
}) {
  const add = () => onChange([...rows, blankQuestion(Math.max(-1, ...rows.map((r) => r.key)) + 1)]);
  return (
    <Paper p="md">
      <Title order={2} mb="sm">
        {t("new.questions")}
      </Title>
      <Stack gap="lg">
        {rows.map((row, place) => (
          <Group key={row.key} wrap="nowrap" align="flex-start">
            <QuestionFields
              row={row}
              place={place}
              onChange={(changed) =>
                onChange(rows.map((each) => (each.key === row.key ? changed : each)))
              }
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t("new.removeQuestion", { n: place + 1 })}
              disabled={rows.length <= least}
              onClick={() => onChange(rows.filter((each) => each.key !== row.key))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
      <Button mt="sm" variant="default" leftSection={<IconPlus size={14} />} onClick={add}>
        {t("new.addQuestion")}
      </Button>
    </Paper>
  );
}

export function QuestionFields({
  row,
  place,
  onChange,
}: {
  row: QuestionRow;
  place: number;
  onChange: (row: QuestionRow) => void;
}) {
  const n = place + 1;
  const change = (values: Partial<QuestionRow>) => onChange({ ...row, ...values });
  return (
    <Stack gap="xs" flex={1}>
      <Group wrap="nowrap">
        <TextInput
          flex={1}
          aria-label={t("new.question", { n })}
          placeholder={t("new.question", { n })}
          value={row.text}
          maxLength={200}
          onChange={(event) => change({ text: event.currentTarget.value })}
          required
        />
        <NativeSelect
          aria-label={t("new.questionKind", { n })}
          value={row.kind}
          onChange={(event) => change({ kind: event.currentTarget.value as QuestionRow["kind"] })}
          data={KINDS.map((kind) => ({ value: kind, label: t(`question.${kind}`) }))}
        />
      </Group>
      {row.kind === "single" || row.kind === "multiple" ? (
        <Textarea
          aria-label={t("new.options", { n })}
          placeholder={t("new.options", { n })}
          autosize
          minRows={2}
          value={row.options}
          onChange={(event) => change({ options: event.currentTarget.value })}
          required
        />
      ) : null}
      {row.kind === "scale" ? (
        <Group>
          {(["low", "high"] as const).map((end) => (
            <NumberInput
              key={end}
              w={120}
              aria-label={t(`new.${end}`, { n })}
              value={row[end]}
              onChange={(value) => typeof value === "number" && change({ [end]: value })}
              allowDecimal={false}
            />
          ))}
        </Group>
      ) : null}
      <Checkbox
        size="xs"
        label={t("new.required")}
        checked={row.required}
        onChange={(event) => change({ required: event.currentTarget.checked })}
      />
    </Stack>
  );
}
