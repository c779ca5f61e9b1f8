import { FileInput, Select, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../api/client";
import { donorsQuery } from "../../../api/queries";
import { ErrorNote } from "../../../components/errors";
import { t, tn, word } from "../../../i18n";

type Asked = Schemas["RunInputRequest"];

const STARTS = Object.keys({
  auto: true,
  scratch: true,
  champion: true,
  transfer: true,
  file: true,
  pretrained: true,
} satisfies Record<Schemas["RunStart"], true>) as Schemas["RunStart"][];

interface Props {
  readonly slug: string;
  readonly asked: Asked;
  readonly onChange: (asked: Asked) => void;
}

interface FileProps {
  readonly file: File | null;
  readonly onFile: (file: File | null) => void;
}

/** Where the first weights of a run come from. */
export function StartFields({ slug, asked, onChange, file, onFile }: Props & FileProps) {
  const { donor: _, ...rest } = asked;
  return (
    <>
      <Select
        label={t("train.start")}
        data={STARTS.map((value) => ({ value, label: word("train.start", value) }))}
        value={asked.start ?? "auto"}
        onChange={(value) => value && onChange({ ...rest, start: value as Schemas["RunStart"] })}
        allowDeselect={false}
      />
      {asked.start === "transfer" ? (
        <DonorField slug={slug} asked={asked} onChange={onChange} />
      ) : null}
      {asked.start === "file" ? (
        <FileInput
          label={t("train.file")}
          description={t("train.fileHelp")}
          placeholder={t("train.fileChoose")}
          accept=".zip,application/zip"
          value={file}
          onChange={onFile}
          required
        />
      ) : null}
      {asked.start === "pretrained" ? (
        <Text size="sm" c="dimmed">
          {t("train.pretrainedHelp")}
        </Text>
      ) : null}
    </>
  );
}

/** A champion to begin with; the network follows it, since only the same one fits. */
function DonorField({ slug, asked, onChange }: Props) {
  const { data: donors, error } = useQuery(donorsQuery(slug));
  if (donors?.length === 0) return <Text size="sm">{t("train.noDonors")}</Text>;
  return (
    <>
      <ErrorNote error={error} />
      <Select
        label={t("train.donor")}
        description={t("train.donorHelp")}
        data={(donors ?? []).map(({ id, campaign, number: version, labels }) => ({
          value: String(id),
          label: `${campaign} · v${version} · ${tn("run.learnsFrom", labels)}`,
        }))}
        value={asked.donor === undefined ? null : String(asked.donor)}
        onChange={(value) => {
          const chosen = donors?.find(({ id }) => String(id) === value);
          if (!chosen) return;
          const keeps = asked.preset && chosen.presets.includes(asked.preset);
          const preset = keeps ? asked.preset : chosen.presets[0];
          onChange({ ...asked, donor: chosen.id, ...(preset ? { preset } : {}) });
        }}
        allowDeselect={false}
        required
      />
    </>
  );
}

/** What a run or a model began with, in words. */
export function originText(of: {
  base_number: number | null;
  start: Schemas["RunStart"];
  donor: Schemas["DonorOutput"] | null;
  file: string | null;
}): string {
  if (of.file !== null) return t("lineage.file", { name: of.file });
  if (of.donor) {
    return t("lineage.donor", { campaign: of.donor.campaign, number: of.donor.number });
  }
  if (of.start === "pretrained") return t("lineage.pretrained");
  return of.base_number === null ? t("lineage.scratch") : `v${of.base_number}`;
}
