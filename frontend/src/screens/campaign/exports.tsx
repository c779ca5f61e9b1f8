import { Button, Group, Paper, Stack, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { body, client } from "../../api/client";
import { exportsQuery } from "../../api/queries";
import { Hash } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Empty } from "../../components/page";
import { dateTime, number, t } from "../../i18n";
import type { TabProps } from "./campaign";

export function ExportsTab({ campaign }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const { data, error } = useQuery(exportsQuery(slug));
  const create = useMutation({
    mutationFn: () =>
      body(client.POST("/api/v1/campaigns/{slug}/exports", { params: { path: { slug } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: exportsQuery(slug).queryKey }),
  });
  return (
    <Stack gap="md">
      <Group>
        <Button loading={create.isPending} onClick={() => create.mutate()}>
          {t("exports.create")}
        </Button>
        <Text c="dimmed">
          {campaign.kind === "segmentation" ? t("exports.lead") : t("exports.leadQuestions")}
        </Text>
      </Group>
      <ErrorNote error={error ?? create.error} />
      {data?.length === 0 ? (
        <Empty title={t("exports.empty")} />
      ) : (
        <Paper>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("exports.id")}</Table.Th>
                <Table.Th>{t("exports.state")}</Table.Th>
                <Table.Th ta="right">{t("exports.cases")}</Table.Th>
                <Table.Th>{t("exports.created")}</Table.Th>
                <Table.Th>{t("exports.hash")}</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data?.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>{each.id}</Table.Td>
                  <Table.Td>
                    {t(`export.${each.state}`)} <span lang="en">{each.error}</span>
                  </Table.Td>
                  <Table.Td ta="right">{number(each.cases)}</Table.Td>
                  <Table.Td>{dateTime(each.created_at)}</Table.Td>
                  <Table.Td>
                    <Hash value={each.sha256} />
                  </Table.Td>
                  <Table.Td ta="right">
                    {each.file_url ? (
                      <Button
                        component="a"
                        href={each.file_url}
                        download
                        size="compact-sm"
                        variant="default"
                        leftSection={<IconDownload size={14} />}
                        aria-label={t("exports.download", { id: each.id })}
                      >
                        {t("exports.downloadShort")}
                      </Button>
                    ) : null}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
    </Stack>
  );
}
