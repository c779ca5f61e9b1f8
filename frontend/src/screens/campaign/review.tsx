import { Button, Paper, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { reviewsQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { Empty } from "../../components/page";
import { dateTime, duration, t } from "../../i18n";
import classes from "../../styles/page.module.css";
import type { TabProps } from "./campaign";
import { Flags } from "./flags";

export function ReviewTab({ campaign }: TabProps) {
  const { slug, settings } = campaign;
  const asked = settings.review !== "none";
  const { data, error } = useQuery(reviewsQuery(slug));
  if (data?.length === 0) {
    return (
      <>
        <Flags slug={slug} />
        <ErrorNote error={error} />
        <Empty title={t(asked ? "review.empty" : "review.unasked")}>
          {t(asked ? "review.emptyHelp" : "review.unaskedHelp")}
        </Empty>
      </>
    );
  }
  return (
    <>
      <Flags slug={slug} />
      <ErrorNote error={error} />
      <Button component={Link} to={`/campaigns/${slug}/review`} mb="sm">
        {t("review.start")}
      </Button>
      <Paper>
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={64} />
              <Table.Th>{t("cases.case")}</Table.Th>
              <Table.Th>{t("review.reader")}</Table.Th>
              <Table.Th>{t("review.submitted")}</Table.Th>
              <Table.Th ta="right">{t("readers.median")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data?.map((item) => (
              <Table.Tr key={item.annotation}>
                <Table.Td>
                  <img
                    className={classes.thumb}
                    src={item.image.thumbnail_url}
                    alt={t("cases.thumbnail", { id: item.task.case })}
                    loading="lazy"
                  />
                </Table.Td>
                <Table.Td>
                  <Text
                    component={Link}
                    to={`/campaigns/${slug}/review?annotation=${item.annotation}`}
                    aria-label={t("review.open", { id: item.task.case })}
                  >
                    {item.task.case}
                  </Text>
                </Table.Td>
                <Table.Td>{item.reader}</Table.Td>
                <Table.Td>{dateTime(item.submitted_at)}</Table.Td>
                <Table.Td ta="right">{duration(item.seconds)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Paper>
    </>
  );
}
