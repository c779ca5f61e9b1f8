import { Button, Group, Paper, SegmentedControl, Skeleton, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { body, client, type Schemas } from "../../api/client";
import { HeldOut } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Empty } from "../../components/page";
import { Scroll } from "../../components/scroll";
import { decimal, list, t, word } from "../../i18n";
import classes from "../../styles/page.module.css";
import type { TabProps } from "./campaign";

const STATES = ["", "open", "reading", "review", "settled", "excluded"] as const;
type State = (typeof STATES)[number];

export function CasesTab({ campaign }: TabProps) {
  const [state, setState] = useState<State>("");
  const { slug } = campaign;
  const pages = useInfiniteQuery({
    queryKey: ["campaign", slug, "tasks", state],
    queryFn: ({ pageParam }) =>
      body(
        client.GET("/api/v1/campaigns/{slug}/tasks", {
          params: {
            path: { slug },
            query: { ...(state ? { state } : {}), ...(pageParam ? { after: pageParam } : {}) },
          },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
  });
  const rows = pages.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <>
      <SegmentedControl
        mb="sm"
        size="xs"
        aria-label={t("cases.filter")}
        value={state}
        onChange={(value) => setState(value as State)}
        data={STATES.map((value) => ({
          value,
          label: value === "" ? t("cases.all") : t(`overview.${value}`),
        }))}
      />
      <ErrorNote error={pages.error} onRetry={() => void pages.refetch()} />
      {pages.data && rows.length === 0 ? (
        <Empty
          title={t("cases.empty")}
          action={
            campaign.roles.includes("manager") && state === "" ? (
              <Button component={Link} to={`/campaigns/${slug}/import`}>
                {t("cases.import")}
              </Button>
            ) : null
          }
        >
          {t("cases.emptyHelp")}
        </Empty>
      ) : pages.error ? null : (
        <Paper>
          <Scroll label={t("tab.cases")} minWidth={720}>
            <Table verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={64} />
                  <Table.Th>{t("cases.case")}</Table.Th>
                  <Table.Th>{t("cases.patient")}</Table.Th>
                  <Table.Th>{t("cases.slice")}</Table.Th>
                  <Table.Th>{t("cases.state")}</Table.Th>
                  <Table.Th>{t("cases.why")}</Table.Th>
                  <Table.Th>{t("cases.readers")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((task) => (
                  <Case key={task.id} task={task} />
                ))}
              </Table.Tbody>
            </Table>
          </Scroll>
          {pages.isPending ? <Skeleton h={240} /> : null}
        </Paper>
      )}
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

function Case({ task }: { task: Schemas["TaskOutput"] }) {
  const { image, why } = task;
  return (
    <Table.Tr>
      <Table.Td>
        <img
          className={classes.thumb}
          src={image.thumbnail_url}
          alt={t("cases.thumbnail", { id: task.id })}
          loading="lazy"
        />
      </Table.Td>
      <Table.Td>{task.id}</Table.Td>
      <Table.Td ff="monospace" style={{ whiteSpace: "nowrap" }}>
        {image.patient_key}
      </Table.Td>
      <Table.Td>{image.index + 1}</Table.Td>
      <Table.Td>
        <Group gap={6} wrap="nowrap">
          {t(`overview.${task.state}`)}
          {task.held_out ? <HeldOut /> : null}
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{word("work.why", why.share)}</Text>
        {why.strategy && why.score !== null ? (
          <Text size="xs" c="dimmed">
            {t("work.score", {
              strategy: word("new.strategy", why.strategy),
              score: decimal(why.score, 3),
            })}
          </Text>
        ) : null}
      </Table.Td>
      <Table.Td style={{ whiteSpace: "nowrap" }}>{list(task.readers)}</Table.Td>
    </Table.Tr>
  );
}
