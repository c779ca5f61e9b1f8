import { NumberInput, Paper, Select, SimpleGrid, Switch, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { t } from "../../i18n";

/** What a campaign asks of readers, queue and model. */
export type Policy = Omit<Schemas["PatchedCampaignSettingsRequest"], "name" | "description">;
type Training = Schemas["TrainingPolicyRequest"];

export const defaults: Policy = {
  readers_per_task: 1,
  review: "none",
  lease_minutes: 30,
  suggestions: true,
  strategy: "stratified",
};

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

interface Props {
  policy: Policy;
  onChange: (policy: Policy) => void;
}

export function PolicyFields({ policy, onChange }: Props) {
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
            label={t("new.strategy")}
            data={[
              { value: "random", label: t("new.strategy.random") },
              { value: "entropy", label: t("new.strategy.entropy") },
              { value: "stratified", label: t("new.strategy.stratified") },
            ]}
            value={policy.strategy ?? "stratified"}
            onChange={(value) =>
              value && set({ strategy: value as "random" | "entropy" | "stratified" })
            }
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
            label={t("new.suggestionDice")}
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
        </SimpleGrid>
      </Paper>
      <TrainingFields training={policy.training ?? {}} onChange={(training) => set({ training })} />
    </>
  );
}

function TrainingFields(props: { training: Training; onChange: (training: Training) => void }) {
  const { training, onChange } = props;
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
          data={[
            { value: "cpu", label: t("new.preset.cpu") },
            { value: "small", label: t("new.preset.small") },
            { value: "tiny", label: t("new.preset.tiny") },
            { value: "gpu", label: t("new.preset.gpu") },
            { value: "published", label: t("new.preset.published") },
          ]}
          value={training.preset ?? "cpu"}
          onChange={(value) => value && set({ preset: value as Schemas["PresetEnum"] })}
          allowDeselect={false}
        />
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
