/** How often each answer was given: of questions of the whole image, as bars with their figures. */
import { Progress as Bar, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { answersQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { number, t } from "../../i18n";
import type { TabProps } from "./campaign";

export function Answers({ campaign }: TabProps) {
  const { data, error } = useQuery(answersQuery(campaign.slug));
  const counts = data ?? [];
  const some = counts.some(({ count }) => count > 0);
  return (
    <Paper p="md" component="section" aria-label={t("overview.answers")}>
      <Title order={2}>{t("overview.answers")}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {some || !data ? t("overview.answersLead") : t("overview.answersEmpty")}
      </Text>
      <ErrorNote error={error} />
      {some ? (
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
          {campaign.questions.map((question) => (
            <Question
              key={question.name}
              question={question}
              counts={counts.filter((each) => each.question === question.name)}
            />
          ))}
        </SimpleGrid>
      ) : null}
    </Paper>
  );
}

function Question(props: {
  question: Schemas["QuestionOutput"];
  counts: readonly Schemas["AnswerCountOutput"][];
}) {
  const { question, counts } = props;
  const { text, retired } = question;
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (counts.length === 0) return null;
  return (
    <Stack gap={6} component="section" aria-label={text}>
      <Text fw={600}>{retired ? t("overview.retired", { question: text }) : text}</Text>
      {counts.map(({ answer: given, count }) => {
        const answer = given === "" ? t("work.noneOfThese") : given;
        return (
          <div key={given}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="sm" truncate title={answer}>
                {answer}
              </Text>
              <Text size="sm" c="dimmed">
                {number(count)}
              </Text>
            </Group>
            <Bar
              size={6}
              value={(100 * count) / Math.max(1, total)}
              aria-label={t("overview.answer", {
                answer,
                count: number(count),
                total: number(total),
              })}
            />
          </div>
        );
      })}
    </Stack>
  );
}
