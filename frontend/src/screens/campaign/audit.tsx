import { Button, Group, Paper, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { body, client } from "../../api/client";
import { ErrorNote } from "../../components/errors";
import { Scroll } from "../../components/scroll";
import { dateTime, t, word } from "../../i18n";
import type { TabProps } from "./campaign";

export function AuditTab({ campaign }: TabProps) {
  const { slug } = campaign;
  const pages = useInfiniteQuery({
    queryKey: ["campaign", slug, "audit"],
    queryFn: ({ pageParam }) =>
      body(
        client.GET("/api/v1/campaigns/{slug}/audit", {
          params: { path: { slug }, query: pageParam ? { before: pageParam } : {} },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
  });
  return (
    <>
      <ErrorNote error={pages.error} onRetry={() => void pages.refetch()} />
      <Paper>
        <Scroll label={t("tab.audit")} minWidth={1000}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("audit.at")}</Table.Th>
                <Table.Th>{t("audit.actor")}</Table.Th>
                <Table.Th>{t("audit.action")}</Table.Th>
                <Table.Th>{t("audit.target")}</Table.Th>
                <Table.Th miw={320}>{t("audit.detail")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {pages.data?.pages
                .flatMap((page) => page.results)
                .map((event) => (
                  <Table.Tr key={event.id}>
                    <Table.Td style={{ whiteSpace: "nowrap" }}>
                      {dateTime(event.at, "medium")}
                    </Table.Td>
                    <Table.Td style={{ whiteSpace: "nowrap" }}>
                      {event.actor ?? t("audit.system")}
                    </Table.Td>
                    <Table.Td style={{ whiteSpace: "nowrap" }}>
                      {word("audit.action", event.action)}
                    </Table.Td>
                    <Table.Td style={{ whiteSpace: "nowrap" }}>
                      {word("audit.on", event.target)} {event.target_id}
                    </Table.Td>
                    <Table.Td>
                      <Text
                        size="xs"
                        ff="monospace"
                        c="dimmed"
                        style={{ overflowWrap: "anywhere" }}
                      >
                        {event.action} {detailText(event.detail)}
                      </Text>
                    </Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      </Paper>
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

/** As the record has it, for who compares it with an export or the API. */
function detailText(detail: unknown): string {
  if (typeof detail !== "object" || detail === null) return "";
  return Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" ");
}
