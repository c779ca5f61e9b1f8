import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { body, client, type Schemas } from "../../api/client";
import { flagsQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { dateTime, t } from "../../i18n";
import classes from "../../styles/page.module.css";

/** Cases for which a reader asked a colleague to look; nothing is shown when there are none. */
export function Flags({ slug }: { slug: string }) {
  const flags = useQuery(flagsQuery(slug));
  if (!flags.data?.length) return <ErrorNote error={flags.error} />;
  return (
    <Paper p="md" mb="md">
      <Title order={2} mb="sm">
        {t("flags.title")}
      </Title>
      <ErrorNote error={flags.error} />
      <Stack gap="sm">
        {flags.data.map((flag) => (
          <Flag key={flag.id} flag={flag} slug={slug} />
        ))}
      </Stack>
    </Paper>
  );
}

function Flag({ flag, slug }: { flag: Schemas["RemarkOutput"]; slug: string }) {
  const queries = useQueryClient();
  const settle = useMutation({
    mutationFn: () =>
      body(client.POST("/api/v1/remarks/{id}/settle", { params: { path: { id: flag.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: flagsQuery(slug).queryKey }),
  });
  return (
    <Group wrap="nowrap" align="flex-start">
      <img
        className={classes.thumb}
        src={`/api/v1/images/${flag.image}/thumbnail`}
        alt={t("cases.thumbnail", { id: flag.case })}
      />
      <div style={{ flex: 1 }}>
        <Text size="sm" c="dimmed">
          {t("flags.by", {
            case: flag.case,
            reader: flag.author,
            time: dateTime(flag.created_at),
          })}
        </Text>
        <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{flag.text}</Text>
        <ErrorNote error={settle.error} />
      </div>
      <Button
        size="xs"
        variant="default"
        loading={settle.isPending}
        onClick={() => settle.mutate()}
        aria-label={t("flags.settle", { case: flag.case })}
      >
        {t("flags.done")}
      </Button>
    </Group>
  );
}
