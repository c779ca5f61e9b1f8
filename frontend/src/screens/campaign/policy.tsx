import { NumberInput, Paper, Select, SimpleGrid, Switch, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { campaignQuery } from "../../api/queries";
import { t, word } from "../../i18n";

/** What a campaign asks of readers, queue and model. */
export type Policy = Omit<
  Schemas["PatchedCampaignSettingsRequest"],
  "name" | "description" | "guideline"
>;
type Training = Schemas["TrainingPolicyRequest"];

/** As on the server: tests/test_house.py holds them equal. */
export const defaults = {
  readers_per_task: 1,
  review: "none",
  lease_minutes: 30,
  suggestions: true,
  strategy: "class_balanced",
} satisfies Policy;

const NUMBERS = [
  "minimum_total",
  "minimum_new",
  "minimum_held_out",
  "cooldown_seconds",
  "epochs",
  "minimum_steps",
  "seconds",
  "margin",
  "scratch_growth",
] as const satisfies readonly (keyof Training)[];

type Strategy = NonNullable<Policy["strategy"]>;

/** In the order of the list: the default first, then by kind. */
const STRATEGIES = Object.keys({
  class_balanced: true,
  stratified: true,
  power: true,
  softmax: true,
  badge: true,
  core_set: true,
  k_means: true,
  foreground: true,
  random: true,
  entropy: true,
  margin: true,
  least_confidence: true,
  bald: true,
  variance: true,
  disagreement: true,
} satisfies Record<Strategy, true>) as Strategy[];

type ColdStart = NonNullable<Policy["cold_start"]>;

const COLD_STARTS = ["random", "diversity"] as const satisfies readonly ColdStart[];

/** Strategies that need a drawing; a model that answers would be ordered otherwise. */
const DRAWN: readonly Strategy[] = ["badge", "foreground", "bald", "variance"];

type Kind = Schemas["CampaignDetail"]["kind"];

/** The networks that a campaign of a kind can train, the first by default. */
export const PRESETS_OF = {
  segmentation: ["cpu", "small", "tiny", "gpu", "residual", "published"],
  classification: ["classifier", "resnet"],
} as const satisfies Record<Kind, readonly Schemas["PresetEnum"][]>;

/** Those of a campaign that the page has asked for already. */
export function usePresets(slug: string): readonly Schemas["PresetEnum"][] {
  const { data } = useQuery(campaignQuery(slug));
  return PRESETS_OF[data?.kind ?? "segmentation"];
}

interface Props {
  policy: Policy;
  /** Whether anything is drawn, or only questions are asked. */
  draws: boolean;
  onChange: (policy: Policy) => void;
}

export function PolicyFields({ policy, draws, onChange }: Props) {
  const set = (change: Partial<Policy>) => onChange({ ...policy, ...change });
  return (
    <>
      <Paper p="md">
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Count
            label={t("new.readers")}
            value={policy.readers_per_task}
            min={1}
            max={9}
            onChange={(value) => set({ readers_per_task: value })}
          />
          <Select
            label={t("new.review")}
            data={[
              { value: "none", label: t("new.review.none") },
              { value: "all", label: t("new.review.all") },
            ]}
            value={policy.review ?? "none"}
            onChange={(value) => value && set({ review: value as "none" | "all" })}
            allowDeselect={false}
          />
          <Count
            label={t("new.lease")}
            value={policy.lease_minutes}
            min={1}
            max={1440}
            onChange={(value) => set({ lease_minutes: value })}
          />
          <Select
            label={t("new.unit")}
            data={[
              { value: "image", label: t("new.unit.image") },
              { value: "series", label: t("new.unit.series") },
            ]}
            value={policy.unit ?? "image"}
            onChange={(value) => value && set({ unit: value as "image" | "series" })}
            allowDeselect={false}
          />
          <ModelFields policy={policy} draws={draws} set={set} />
        </SimpleGrid>
      </Paper>
      <TrainingFields
        training={policy.training ?? {}}
        draws={draws}
        presets={PRESETS_OF[draws ? "segmentation" : "classification"]}
        onChange={(training) => set({ training })}
      />
    </>
  );
}

/** How the model chooses cases, and what readers see of it. */
function ModelFields(props: {
  policy: Policy;
  draws: boolean;
  set: (change: Partial<Policy>) => void;
}) {
  const { policy, draws, set } = props;
  const offered = STRATEGIES.filter(
    (value) => draws || !DRAWN.includes(value) || value === policy.strategy,
  );
  return (
    <>
      <Select
        label={t("new.strategy")}
        data={offered.map((value) => ({ value, label: word("new.strategy", value) }))}
        value={policy.strategy ?? defaults.strategy}
        onChange={(value) => value && set({ strategy: value as Strategy })}
        allowDeselect={false}
      />
      <Select
        label={t("new.coldStart")}
        description={t("new.coldStart.help")}
        data={COLD_STARTS.map((value) => ({ value, label: t(`new.coldStart.${value}`) }))}
        value={policy.cold_start ?? "random"}
        onChange={(value) => value && set({ cold_start: value as ColdStart })}
        allowDeselect={false}
      />
      <Count
        label={t("new.randomShare")}
        value={policy.random_share}
        max={1}
        step={0.05}
        onChange={(value) => set({ random_share: value })}
      />
      <Count
        label={t("new.blind")}
        value={policy.blind_share}
        max={1}
        step={0.05}
        onChange={(value) => set({ blind_share: value })}
      />
      <Count
        label={t(draws ? "new.suggestionDice" : "new.suggestionAccuracy")}
        value={policy.suggestion_dice}
        max={1}
        step={0.05}
        onChange={(value) => set({ suggestion_dice: value })}
      />
      <Switch
        mt="lg"
        label={t("new.suggestions")}
        checked={policy.suggestions ?? true}
        onChange={(event) => set({ suggestions: event.currentTarget.checked })}
      />
    </>
  );
}

function TrainingFields(props: {
  training: Training;
  draws: boolean;
  presets: readonly Schemas["PresetEnum"][];
  onChange: (training: Training) => void;
}) {
  const { training, draws, presets, onChange } = props;
  const set = (change: Partial<Training>) => onChange({ ...training, ...change });
  return (
    <Paper p="md">
      <Title order={2} mb="sm">
        {t("new.training")}
      </Title>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Switch
          label={t("new.training.enabled")}
          checked={(training.enabled ?? 1) !== 0}
          onChange={(event) => set({ enabled: event.currentTarget.checked ? 1 : 0 })}
        />
        <Select
          label={t("new.training.preset")}
          data={presets.map((value) => ({ value, label: word("new.preset", value) }))}
          value={training.preset ?? presets[0] ?? null}
          onChange={(value) => value && set({ preset: value as Schemas["PresetEnum"] })}
          allowDeselect={false}
        />
        <Switch
          label={t("new.training.shadow")}
          description={t("new.training.shadowHelp")}
          checked={training.shadow === 1}
          onChange={(event) => set({ shadow: event.currentTarget.checked ? 1 : 0 })}
        />
        {draws ? (
          <Switch
            label={t("new.training.committee")}
            description={t("new.training.committeeHelp")}
            checked={training.committee === 1}
            onChange={(event) => set({ committee: event.currentTarget.checked ? 1 : 0 })}
          />
        ) : null}
        {NUMBERS.map((key) => (
          <Count
            key={key}
            label={t(`new.training.${key}`)}
            value={training[key]}
            step={key === "margin" ? 0.005 : 1}
            onChange={(value) => set({ [key]: value })}
          />
        ))}
      </SimpleGrid>
    </Paper>
  );
}

/** A number; left empty, the server's own default holds. */
function Count(props: {
  label: string;
  value: number | undefined;
  min?: number;
  max?: number;
  step?: number;
  onChange: (value: number) => void;
}) {
  const { label, value, min = 0, max, step = 1, onChange } = props;
  return (
    <NumberInput
      label={label}
      value={value ?? ""}
      min={min}
      {...(max === undefined ? {} : { max })}
      step={step}
      decimalScale={step < 1 ? 3 : 0}
      onChange={(given) => {
        if (typeof given === "number") onChange(given);
      }}
    />
  );
}
