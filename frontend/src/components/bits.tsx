import { Badge, Box, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCircleDashed, IconEye, IconLock } from "@tabler/icons-react";
import type { Schemas } from "../api/client";
import { number, t, word } from "../i18n";
import classes from "../styles/page.module.css";

export type Counts = Schemas["TaskCounts"];

const ICONS = { draft: IconCircleDashed, open: IconCheck, closed: IconLock } as const;

/** The state of a campaign: a word and a shape, not colour alone. */
export function CampaignState({ state }: { state: Schemas["CampaignState"] }) {
  const Icon = ICONS[state];
  return (
    <Badge
      variant="light"
      color={state === "open" ? "good" : "gray"}
      leftSection={<Icon size={12} aria-hidden />}
      tt="none"
    >
      {word("state", state)}
    </Badge>
  );
}

const STAGES = ["settled", "review", "reading", "open"] as const;
const ON_THEIR_WAY = ["review", "reading"] as const;
const SHADES = {
  settled: "var(--reticle-accent)",
  review: "color-mix(in srgb, var(--reticle-accent) 60%, transparent)",
  reading: "color-mix(in srgb, var(--reticle-accent) 30%, transparent)",
  open: "transparent",
} as const;

function stageText(counts: Counts, stage: (typeof STAGES)[number]): string {
  return t("overview.counted", { count: number(counts[stage]), stage: t(`overview.${stage}`) });
}

/** How far the cases are, as a bar and in words. */
export function Progress({ counts, legend = false }: { counts: Counts; legend?: boolean }) {
  const total = Math.max(1, counts.total);
  const text = t("home.settled", {
    settled: number(counts.settled),
    total: number(counts.total),
  });
  return (
    <div>
      <Box
        role="img"
        aria-label={text}
        style={{
          display: "flex",
          height: 8,
          borderRadius: 4,
          overflow: "hidden",
          background: "var(--reticle-line)",
        }}
      >
        {STAGES.map((stage) => (
          <div
            key={stage}
            style={{ width: `${(100 * counts[stage]) / total}%`, background: SHADES[stage] }}
          />
        ))}
      </Box>
      {legend ? (
        <Box className={classes.figures} mt={8} style={{ gap: 16 }}>
          {STAGES.map((stage) => (
            <Text key={stage} size="sm" c="dimmed">
              <span
                className={classes.swatch}
                style={{ background: SHADES[stage], marginRight: 6, verticalAlign: -1 }}
              />
              {stageText(counts, stage)}
            </Text>
          ))}
        </Box>
      ) : (
        <Text size="sm" c="dimmed" mt={4}>
          {[
            text,
            ...ON_THEIR_WAY.filter((stage) => counts[stage] > 0).map((stage) =>
              stageText(counts, stage),
            ),
          ].join(" · ")}
        </Text>
      )}
    </div>
  );
}

/** A hash or id, short; whole on hover. */
export function Hash({ value }: { value: string }) {
  if (!value) return null;
  return (
    <Tooltip label={value}>
      <Text span ff="monospace" size="xs" c="dimmed">
        {value.slice(0, 10)}
      </Text>
    </Tooltip>
  );
}

export function HeldOut() {
  return (
    <Badge variant="outline" color="gray" tt="none" leftSection={<IconEye size={11} aria-hidden />}>
      {t("cases.heldOut")}
    </Badge>
  );
}

export function Figure(props: { value: string; label: string; interval?: string }) {
  const { value, label, interval = "" } = props;
  return (
    <div>
      <div className={classes.figure}>
        {value}
        {interval === "" ? null : (
          <Text span size="sm" c="dimmed" ml={6}>
            {t("figure.interval", { interval })}
          </Text>
        )}
      </div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
    </div>
  );
}
