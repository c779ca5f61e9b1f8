import { Anchor, Button, Group, Paper, Skeleton, Stack, Tabs, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type ComponentType,
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { Link, useNavigate, useParams } from "react-router";
import { body, client, type Schemas } from "../../api/client";
import { ApiError } from "../../api/errors";
import { campaignQuery, learningQuery, progressQuery } from "../../api/queries";
import { CampaignState, Figure, Progress } from "../../components/bits";
import { Confirm } from "../../components/confirm";
import { ErrorNote } from "../../components/errors";
import { Guideline } from "../../components/guideline";
import { leaving, useLeave } from "../../components/leave";
import { Page } from "../../components/page";
import { decimal, number, t, tn } from "../../i18n";
import classes from "../../styles/page.module.css";
import { AuditTab } from "./audit";
import { CasesTab } from "./cases";
import { ExportsTab } from "./exports";
import { ImportTab } from "./import";
import { listText } from "./models/basis";
import { intervalText } from "./models/figures";
import { ReadersTab } from "./readers";
import { ReviewTab } from "./review";
import { SettingsTab } from "./settings";

type Campaign = Schemas["CampaignDetail"];
export interface TabProps {
  readonly campaign: Campaign;
  /** Told that something on the tab waits to be saved; gives back what tells the end of that. */
  readonly onUnsaved?: (() => () => void) | undefined;
}

// Plots and what comes with them are fetched by those who look at them.
const OverviewTab = lazy(async () => ({ default: (await import("./overview")).OverviewTab }));
const ModelsTab = lazy(async () => ({ default: (await import("./models/tab")).ModelsTab }));

function GuidelineTab({ campaign }: TabProps) {
  const { guideline = "" } = campaign.settings;
  return (
    <Paper p="md" maw={820} component="section" aria-label={t("guideline.title")}>
      {guideline.trim() === "" ? (
        <Text c="dimmed">
          {t(campaign.roles.includes("manager") ? "guideline.emptyManager" : "guideline.empty")}
        </Text>
      ) : (
        <Guideline text={guideline} />
      )}
    </Paper>
  );
}

/** What each role may open. */
const TABS = [
  { id: "overview", roles: ["reviewer", "manager"], tab: OverviewTab },
  { id: "guideline", roles: ["reader", "reviewer", "manager"], tab: GuidelineTab },
  { id: "cases", roles: ["reviewer", "manager"], tab: CasesTab },
  { id: "readers", roles: ["manager"], tab: ReadersTab },
  { id: "import", roles: ["manager"], tab: ImportTab },
  { id: "reviews", roles: ["reviewer", "manager"], tab: ReviewTab },
  { id: "models", roles: ["reviewer", "manager"], tab: ModelsTab },
  { id: "exports", roles: ["manager"], tab: ExportsTab },
  { id: "settings", roles: ["manager"], tab: SettingsTab },
  { id: "audit", roles: ["manager"], tab: AuditTab },
] as const satisfies readonly {
  id: string;
  roles: readonly Schemas["RolesEnum"][];
  tab: ComponentType<TabProps>;
}[];

export function CampaignPage() {
  const { slug = "" } = useParams();
  const { data, error, refetch } = useQuery({ ...campaignQuery(slug), refetchInterval: 10_000 });
  useDocumentTitle(t("app.title", { page: data?.name ?? slug }));
  return (
    <Page
      trail={
        <Anchor component={Link} to="/">
          {t("home.title")}
        </Anchor>
      }
    >
      <ErrorNote error={error} onRetry={() => void refetch()} />
      {data ? <Campaign campaign={data} /> : <Skeleton h={320} />}
    </Page>
  );
}

function Campaign({ campaign }: TabProps) {
  const { tab } = useParams();
  /** How many forms on the tab wait to be saved. */
  const [unsaved, setUnsaved] = useState(0);
  const hold = useCallback(() => {
    setUnsaved((count) => count + 1);
    return () => setUnsaved((count) => count - 1);
  }, []);
  const navigate = useNavigate();
  const asked = useLeave(unsaved > 0);
  const { slug, roles } = campaign;
  const mine = TABS.filter((each) => each.roles.some((role) => roles.includes(role)));
  const current = mine.find((each) => each.id === tab) ?? mine[0];
  const list = useTabInSight(current?.id);
  return (
    <Stack gap="md">
      {asked}
      <Header campaign={campaign} />
      {mine.some(({ id }) => id === "overview") ? null : (
        <Progress counts={campaign.counts} legend />
      )}
      {current ? (
        <Tabs
          value={current.id}
          onChange={(id) => {
            if (id === current.id) return;
            leaving(() => void navigate(`/campaigns/${slug}/${id}`, { replace: true }));
          }}
          keepMounted={false}
        >
          <Tabs.List mb="md" ref={list} className={`${classes.scroll} ${classes.tabs}`}>
            {mine.map(({ id }) => (
              <Tabs.Tab key={id} value={id}>
                {t(`tab.${id}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {mine.map(({ id, tab: Content }) => (
            <Tabs.Panel key={id} value={id}>
              <Suspense fallback={<Skeleton h={280} />}>
                <Content campaign={campaign} onUnsaved={hold} />
              </Suspense>
            </Tabs.Panel>
          ))}
        </Tabs>
      ) : null}
    </Stack>
  );
}

/** The list of tabs, which moves where it is wider than the page so that this tab is in sight. */
function useTabInSight(id: string | undefined) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tab = list.current?.querySelector(`[role=tab][id$="-${id}"]`);
    tab?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [id]);
  return list;
}

/** State, the numbers that matter, and what this person can do next. */
function Header({ campaign }: TabProps) {
  const { slug, roles, state, mine } = campaign;
  const manages = roles.includes("manager");
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <div>
          <Group gap="sm">
            <Title order={1}>{campaign.name}</Title>
            <CampaignState state={state} />
          </Group>
          {campaign.description ? (
            <Text c="dimmed" maw={720} component="div">
              <Guideline text={campaign.description} height={22} />
            </Text>
          ) : null}
        </div>
        <Group gap="xs">
          {manages ? <Lifecycle campaign={campaign} /> : null}
          {mine.to_review > 0 ? (
            <Button component={Link} to={`/campaigns/${slug}/review`} variant="default">
              {tn("home.toReview", mine.to_review)}
            </Button>
          ) : null}
          {roles.includes("reader") && state === "open" ? (
            <Button
              component={Link}
              to={`/campaigns/${slug}/read`}
              variant={mine.waiting > 0 ? "filled" : "default"}
            >
              {t(mine.waiting > 0 ? "campaign.read" : "home.room")}
            </Button>
          ) : null}
        </Group>
      </Group>
      <Figures campaign={campaign} />
    </>
  );
}

/** What a campaign cannot be opened without: both are in the settings. */
const UNSET: readonly string[] = ["no_classes", "no_questions"];

function Lifecycle({ campaign }: TabProps) {
  const { slug, state } = campaign;
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const act = useMutation({
    mutationFn: () => {
      const params = { params: { path: { slug } } };
      return state === "open"
        ? body(client.POST("/api/v1/campaigns/{slug}/close", params))
        : body(client.POST("/api/v1/campaigns/{slug}/open", params));
    },
    onSuccess: (data) => queries.setQueryData(campaignQuery(slug).queryKey, data),
  });
  const lacks = act.error instanceof ApiError && UNSET.includes(act.error.code);
  const settings = (
    <Anchor component={Link} to={`/campaigns/${slug}/settings`} onClick={() => act.reset()}>
      {t("campaign.toSettings")}
    </Anchor>
  );
  return (
    <>
      <ErrorNote error={act.error} way={lacks ? settings : null} />
      <Button
        variant={state === "open" ? "default" : "filled"}
        loading={act.isPending}
        onClick={() => (state === "open" ? setAsking(true) : act.mutate())}
      >
        {state === "open" ? t("campaign.close") : t("campaign.open")}
      </Button>
      <Confirm
        opened={asking}
        title={t("campaign.closeTitle")}
        help={t("campaign.closeHelp")}
        act={t("campaign.close")}
        onClose={() => setAsking(false)}
        onConfirm={() => act.mutate()}
      />
    </>
  );
}

function Figures({ campaign }: TabProps) {
  const { slug, kind, roles, champion, counts } = campaign;
  const tracks = roles.includes("manager") || roles.includes("reviewer");
  const { data } = useQuery({ ...progressQuery(slug), enabled: tracks });
  const learning = useQuery({ ...learningQuery(slug), enabled: tracks });
  const measured = learning.data?.measured;
  const now = data?.counts ?? counts;
  const readings = (data?.readers ?? []).reduce((sum, reader) => sum + reader.submitted, 0);
  const times = (data?.readers ?? []).flatMap((reader) => reader.seconds_median ?? []);
  const median = times.length > 0 ? times.reduce((a, b) => a + b, 0) / times.length : null;
  return (
    <div className={classes.head}>
      <Figure
        value={number(now.settled)}
        label={t("campaign.settledOf", { total: number(now.total) })}
      />
      {tracks && kind === "classification" ? (
        <Figure value={data ? number(readings) : "–"} label={t("campaign.answers")} />
      ) : null}
      {tracks && (champion || kind === "segmentation") ? (
        <Figure
          value={decimal(measured?.score)}
          interval={measured?.low == null ? "" : intervalText(measured.low, measured.high)}
          label={scoreText(kind, measured?.number ?? champion?.number, measured)}
        />
      ) : null}
      {tracks ? <Figure value={decimal(median, 0)} label={t("campaign.minutes")} /> : null}
    </div>
  );
}

/** What the live model's figure is, and of which held-out list. */
function scoreText(
  kind: Campaign["kind"],
  version: number | undefined,
  measured: Schemas["MeasuredOutput"] | undefined,
): string {
  if (version === undefined) return t("campaign.diceNone");
  const what = t(kind === "classification" ? "campaign.accuracy" : "campaign.dice", {
    number: version,
  });
  if (!measured?.held_out) return what;
  const parts = [what, listText(measured.held_out)];
  return (measured.one_list ? parts : [...parts, t("campaign.ownList")]).join(" · ");
}
