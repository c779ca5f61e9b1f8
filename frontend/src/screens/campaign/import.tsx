import {
  Accordion,
  Badge,
  Button,
  FileButton,
  Group,
  Progress,
  Stack,
  Table,
  Text,
} from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import {
  type MutationState,
  useInfiniteQuery,
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type DragEvent, useState, useSyncExternalStore } from "react";
import { useSearchParams } from "react-router";
import type { Schemas } from "../../api/client";
import { importQuery, importsQuery } from "../../api/queries";
import { uploadFiles } from "../../api/upload";
import { ErrorNote, errorText } from "../../components/errors";
import { Empty } from "../../components/page";
import { Scroll } from "../../components/scroll";
import { dateTime, number, percent, t, word } from "../../i18n";
import classes from "../../styles/page.module.css";
import { Store } from "../../work/store";
import type { TabProps } from "./campaign";

/** Files on their way, and the share of them that has been sent. */
interface Sending {
  readonly files: readonly File[];
  readonly progress: Store<{ readonly share: number }>;
}

/** A drop zone, then a live list: accepted, duplicate, rejected with its reason. */
export function ImportTab({ campaign }: TabProps) {
  const { slug } = campaign;
  const imports = useQuery(importsQuery(slug));
  const [search] = useSearchParams();
  return (
    <Stack gap="md">
      <DropZone slug={slug} />
      <ErrorNote error={imports.error} />
      {imports.data?.length === 0 ? <Empty title={t("import.empty")} /> : null}
      <Accordion variant="separated" keepMounted={false} defaultValue={search.get("import")}>
        {imports.data?.map((each) => (
          <Accordion.Item key={each.id} value={String(each.id)}>
            <Accordion.Control>
              <Group gap="md">
                <Text fw={600}>{t("import.title", { id: each.id })}</Text>
                <Text size="sm" c="dimmed">
                  {dateTime(each.created_at)}
                </Text>
                <Outcomes counts={each.counts} />
              </Group>
              {each.error ? (
                <Text size="sm" c="var(--reticle-danger)" lang="en">
                  {each.error}
                </Text>
              ) : null}
            </Accordion.Control>
            <Accordion.Panel>
              <Items id={each.id} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}

function DropZone({ slug }: { slug: string }) {
  const queries = useQueryClient();
  const [over, setOver] = useState(false);
  const mutationKey = ["upload", slug];
  const send = useMutation({
    mutationKey,
    mutationFn: ({ files, progress }: Sending) =>
      uploadFiles(slug, files, (share) => progress.set({ share })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
  // It goes on when the tab is left, and is found again by who comes back.
  const last = useMutationState({
    filters: { mutationKey },
    select: ({ state }) => state as MutationState<unknown, Error, Sending>,
  }).at(-1);
  const sending = last?.status === "pending" ? last.variables : undefined;
  const begin = (files: readonly File[]) => {
    if (files.length > 0 && !sending) send.mutate({ files, progress: new Store({ share: 0 }) });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    begin([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button does the same
    <div
      className={classes.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(!sending);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <IconUpload size={26} stroke={1.5} aria-hidden />
      <Text fw={600}>{t(sending ? "import.wait" : "import.drop")}</Text>
      <Text size="sm" c="dimmed" mb="sm">
        {t("import.formats")}
      </Text>
      {sending ? (
        <Sent progress={sending.progress} />
      ) : (
        <FileButton onChange={begin} multiple>
          {(props) => <Button {...props}>{t("import.choose")}</Button>}
        </FileButton>
      )}
      {last?.error ? (
        <Text c="var(--reticle-danger)" mt="sm" role="alert">
          {t("import.failed", { message: errorText(last.error) })}
        </Text>
      ) : null}
    </div>
  );
}

function Sent({ progress }: Pick<Sending, "progress">) {
  const { share } = useSyncExternalStore(progress.subscribe, progress.get);
  return (
    <Stack gap={4} maw={320} mx="auto">
      <Progress value={share * 100} aria-label={t("import.uploading", { percent: "" })} />
      <Text size="sm">{t("import.uploading", { percent: percent(share) })}</Text>
    </Stack>
  );
}

const OUTCOMES = ["accepted", "duplicate", "rejected", "waiting"] as const;
const COLOURS: Record<string, string> = {
  accepted: "good",
  duplicate: "gray",
  rejected: "danger",
  waiting: "amber",
};

function Outcomes({ counts }: { counts: Schemas["ItemCounts"] }) {
  return (
    <Group gap={6}>
      {OUTCOMES.filter((each) => counts[each] > 0).map((each) => (
        <Badge key={each} variant="light" color={COLOURS[each] ?? "gray"} tt="none">
          {number(counts[each])} {t(`import.${each}`)}
        </Badge>
      ))}
    </Group>
  );
}

function Items({ id }: { id: number }) {
  const pages = useInfiniteQuery(importQuery(id));
  return (
    <>
      <ErrorNote error={pages.error} />
      <Scroll label={t("import.title", { id })} minWidth={520}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("import.file")}</Table.Th>
              <Table.Th>{t("import.outcome")}</Table.Th>
              <Table.Th ta="right">{t("import.images")}</Table.Th>
              <Table.Th>{t("import.reason")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {pages.data?.pages
              .flatMap((page) => page.items)
              .map((item) => (
                <Table.Tr key={item.id}>
                  <Table.Td>{item.name}</Table.Td>
                  <Table.Td>
                    <Badge variant="light" color={COLOURS[item.state] ?? "gray"} tt="none">
                      {word("import", item.state)}
                    </Badge>
                  </Table.Td>
                  <Table.Td ta="right">{number(item.images)}</Table.Td>
                  <Table.Td>
                    {item.code ? word("import.code", item.code) : null}
                    {item.reason ? (
                      // The server's own words say which limit, or which member of a zip.
                      <Text size="xs" c="dimmed" lang="en">
                        {item.reason}
                      </Text>
                    ) : null}
                  </Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
      </Scroll>
      {pages.hasNextPage ? (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            {t("app.more")}
          </Button>
        </Group>
      ) : null}
    </>
  );
}
