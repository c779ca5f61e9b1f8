import {
  Anchor,
  Button,
  Card,
  Group,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { campaignsQuery } from "../../api/queries";
import { CampaignState, Progress } from "../../components/bits";
import { ErrorNote } from "../../components/errors";
import { Empty, Page } from "../../components/page";
import { UnsentNotice } from "../../components/unsent";
import { decimal, t, tn } from "../../i18n";
import { useUser } from "../../session";
import { intervalText } from "../campaign/models/figures";

export function Home() {
  useDocumentTitle(t("app.title", { page: t("home.title") }));
  const user = useUser();
  const { data, error, isPending, refetch } = useQuery(campaignsQuery());
  const creates =
    user.is_administrator || data?.some((each) => each.roles.includes("manager")) === true;
  const create = creates ? (
    <Button component={Link} to="/campaigns/new" leftSection={<IconPlus size={16} />}>
      {t("home.new")}
    </Button>
  ) : null;
  return (
    <Page>
      <Group justify="space-between" mb="md">
        <Title order={1}>{t("home.title")}</Title>
        {create}
      </Group>
      <UnsentNotice />
      <ErrorNote error={error} onRetry={() => void refetch()} />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
        {isPending ? [1, 2, 3].map((n) => <Skeleton key={n} h={196} />) : null}
        {data?.map((each) => (
          <CampaignCard key={each.slug} campaign={each} />
        ))}
      </SimpleGrid>
      {data?.length === 0 ? (
        <Empty title={t("home.empty")} action={create}>
          {creates ? t("home.emptyManager") : t("home.emptyReader")}
        </Empty>
      ) : null}
    </Page>
  );
}

function CampaignCard({ campaign }: { campaign: Schemas["CampaignCard"] }) {
  const { slug, name, description, state, roles, mine, counts } = campaign;
  const user = useUser();
  const reads = roles.includes("reader") && state === "open";
  const waits = mine.waiting > 0;
  const manages = roles.includes("manager") || user.is_administrator;
  const address = `/campaigns/${slug}`;
  const start = t(waits ? (mine.submitted > 0 ? "home.continue" : "home.start") : "home.room");
  return (
    <Card withBorder padding="md" bg="var(--reticle-panel)" component="article" aria-label={name}>
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title order={2}>
            <Anchor component={Link} to={address} c="inherit" inherit>
              {name}
            </Anchor>
          </Title>
          <CampaignState state={state} />
        </Group>
        {description ? (
          <Text size="sm" c="dimmed" lineClamp={2}>
            {description}
          </Text>
        ) : null}
        <Progress counts={counts} />
        {manages || roles.includes("reviewer") ? (
          <Text size="sm">{championText(campaign.champion)}</Text>
        ) : null}
        {reads ? (
          <Text size="sm">
            {waits ? tn("home.waiting", mine.waiting) : t("home.nothingWaits")} ·{" "}
            {tn("home.done", mine.submitted)}
          </Text>
        ) : null}
        <Group mt="auto" gap="xs">
          {reads ? (
            // The reading room is where earlier answers are amended, too.
            <Button
              component={Link}
              to={`${address}/read`}
              variant={waits ? "filled" : "default"}
              aria-label={t("home.act", { act: start, name })}
            >
              {start}
            </Button>
          ) : null}
          {roles.includes("reviewer") && mine.to_review > 0 ? (
            <Button
              component={Link}
              to={`${address}/review`}
              variant={reads && waits ? "default" : "filled"}
            >
              {tn("home.toReview", mine.to_review)}
            </Button>
          ) : null}
          <Button component={Link} to={address} variant="default">
            {t("home.open")}
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}

function championText(champion: Schemas["ChampionCard"] | null): string {
  if (!champion) return t("home.noModel");
  const { number, dice, accuracy, low, high } = champion;
  const score = accuracy ?? dice;
  if (score === null) return t("home.champion.unmeasured", { number });
  // Of a single patient, or by an earlier release, there is no interval.
  const known = low != null && high != null;
  const value = known
    ? t("home.interval", { value: decimal(score), interval: intervalText(low, high) })
    : decimal(score);
  return t(accuracy == null ? "home.champion" : "home.champion.answers", { number, value });
}
