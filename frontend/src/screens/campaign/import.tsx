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
import { Cancelled } from "../../api/errors";
import { importQuery, importsQuery } from "../../api/queries";
import { uploadFiles } from "../../api/upload";
import { ErrorNote, errorText } from "../../components/errors";
import { Empty } from "../../components/page";
import { Scroll } from "../../components/scroll";
import { dateTime, decimal, number, percent, t, tn, word } from "../../i18n";
import classes from "../../styles/page.module.css";
import { Store } from "../../work/store";
import type { TabProps } from "./campaign";

/** Files on their way, the share of their bytes that has been sent, and what stops them. */
interface Sending {
  readonly files: readonly File[];
  readonly progress: Store<{ readonly share: number }>;
  readonly stop: AbortController;
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
                <Text fw={600}>{t("import.title", { number: each.number })}</Text>
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
              <Items id={each.id} number={each.number} />
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
    mutationFn: ({ files, progress, stop }: Sending) =>
      uploadFiles(slug, files, (share) => progress.set({ share }), stop.signal),
    onSettled: () => queries.invalidateQueries({ queryKey: ["campaign", slug] }),
  });
  // It goes on when the tab is left, and is found again by who comes back.
  const last = useMutationState({
    filters: { mutationKey },
    select: ({ state }) => state as MutationState<unknown, Error, Sending>,
  }).at(-1);
  const sending = last?.status === "pending" ? last.variables : undefined;
  const begin = (files: readonly File[]) => {
    if (files.length === 0 || sending) return;
    send.mutate({ files, progress: new Store({ share: 0 }), stop: new AbortController() });
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
        <Sent {...sending} />
      ) : (
        <FileButton onChange={begin} multiple>
          {(props) => <Button {...props}>{t("import.choose")}</Button>}
        </FileButton>
      )}
      {last?.error instanceof Cancelled ? (
        <Text mt="sm" role="status">
          {tn("import.cancelled", last.variables?.files.length ?? 0)}
        </Text>
      ) : last?.error ? (
        <Text c="var(--reticle-danger)" mt="sm" role="alert">
          {t("import.failed", { message: errorText(last.error) })}
        </Text>
      ) : null}
    </div>
  );
}

function Sent({ files, progress, stop }: Sending) {
  const { share } = useSyncExternalStore(progress.subscribe, progress.get);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const at = placeOf(files, share * total);
  return (
    <Stack gap={4} maw={420} mx="auto">
      <Progress value={share * 100} aria-label={t("import.uploading", { percent: "" })} />
      <Text size="sm">{t("import.uploading", { percent: percent(share) })}</Text>
      {share < 1 ? (
        <>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {t("import.at", {
              n: number(at + 1),
              of: number(files.length),
              sent: decimal((share * total) / 1e6, 1),
              total: decimal(total / 1e6, 1),
              name: files[at]?.name ?? "",
            })}
          </Text>
          <Group justify="center">
            <Button size="compact-sm" variant="default" onClick={() => stop.abort()}>
              {t("app.cancel")}
            </Button>
          </Group>
        </>
      ) : (
        // From here on the server may have begun: to cancel would promise what is not certain.
        <Text size="sm">{t("import.taking")}</Text>
      )}
    </Stack>
  );
}

/** Which of the files is on its way once so many bytes of all of them have been sent. */
function placeOf(files: readonly File[], bytes: number): number {
  let end = 0;
  const place = files.findIndex(({ size }) => {
    end += size;
    return bytes < end;
  });
  return place < 0 ? files.length - 1 : place;
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
          {t("import.counted", { count: number(counts[each]), outcome: t(`import.${each}`) })}
        </Badge>
      ))}
    </Group>
  );
}

function Items({ id, number: place }: { id: number; number: number }) {
  const pages = useInfiniteQuery(importQuery(id));
  return (
    <>
      <ErrorNote error={pages.error} />
      <Scroll label={t("import.title", { number: place })} minWidth={520}>
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
