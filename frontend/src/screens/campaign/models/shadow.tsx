import { Group, Paper, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../api/client";
import { campaignQuery, shadowQuery } from "../../../api/queries";
import { ErrorNote } from "../../../components/errors";
import { Scroll } from "../../../components/scroll";
import { dateTime, decimal, number, t } from "../../../i18n";
import { DrawnByOne, partsText } from "./basis";
import { EndShadow, Promote } from "./decide";
import { signed, signedInterval } from "./figures";

type Beside = Schemas["BesideOutput"];

/** The model that runs beside the champion, and what a person needs to decide on it. */
export function Shadow({ slug, manages }: { slug: string; manages: boolean }) {
  const { data, error } = useQuery(shadowQuery(slug));
  const campaign = useQuery(campaignQuery(slug));
  const shadow = data?.shadow;
  if (!shadow) return <ErrorNote error={error} />;
  const heading = t("shadow.title", { number: shadow.number });
  return (
    <Paper p="md" component="section" aria-label={heading}>
      <Stack gap="sm">
        <Group justify="space-between" mih={30}>
          <Title order={2}>{heading}</Title>
          {manages ? (
            <Group gap="xs">
              <Promote model={shadow} slug={slug} />
              <EndShadow model={shadow} slug={slug} />
            </Group>
          ) : null}
        </Group>
        <ErrorNote error={error} />
        <Text size="sm" c="dimmed">
          {t("shadow.help")}
        </Text>
        <Difference shadow={shadow} questions={campaign.data?.questions ?? []} />
        {shadow.difference?.difference != null && campaign.data?.kind === "segmentation" ? (
          <DrawnByOne />
        ) : null}
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <HeldOut shadow={shadow} />
          {shadow.drawings.classes.length > 0 ? <Drawings shadow={shadow} /> : null}
        </SimpleGrid>
      </Stack>
    </Paper>
  );
}

function Difference(props: { shadow: Beside; questions: Schemas["CampaignDetail"]["questions"] }) {
  const { shadow, questions } = props;
  const { difference: found, champion } = shadow;
  if (champion === null) return <Text>{t("shadow.noChampion")}</Text>;
  if (found?.difference == null) return <Text>{t("compare.apart")}</Text>;
  return (
    <Text>
      {t("shadow.difference", {
        parts: partsText(shadow.averaged, questions),
        difference: signed(found.difference),
        interval: signedInterval(found.low, found.high),
        number: champion,
        patients: number(found.patients),
      })}
    </Text>
  );
}

/** Two columns of figures, the champion's last; without a champion one. */
function Names({ shadow, first }: { shadow: Beside; first: readonly string[] }) {
  return (
    <Table.Thead>
      <Table.Tr>
        {first.map((name, i) => (
          <Table.Th key={name} ta={i === 0 ? "left" : "right"}>
            {name}
          </Table.Th>
        ))}
        <Table.Th ta="right">v{shadow.number}</Table.Th>
        {shadow.champion === null ? null : <Table.Th ta="right">v{shadow.champion}</Table.Th>}
      </Table.Tr>
    </Table.Thead>
  );
}

function HeldOut({ shadow }: { shadow: Beside }) {
  return (
    <Stack gap={4}>
      <Title order={3} fz="sm">
        {t("shadow.heldOut")}
      </Title>
      <Text size="sm" c="dimmed">
        {t(shadow.held_out.length === 0 ? "shadow.unmeasured" : "shadow.heldOutHelp")}
      </Text>
      <Scroll label={t("shadow.heldOut")} minWidth={360}>
        <Table>
          <Names shadow={shadow} first={[t("shadow.list"), t("shadow.cases")]} />
          <Table.Tbody>
            {shadow.held_out.map((row) => (
              <Table.Tr key={row.at}>
                <Table.Th scope="row">{dateTime(row.at)}</Table.Th>
                <Table.Td ta="right">{number(row.cases)}</Table.Td>
                <Table.Td ta="right">{decimal(row.shadow)}</Table.Td>
                {shadow.champion === null ? null : (
                  <Table.Td ta="right">{decimal(row.champion)}</Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Stack>
  );
}

function Drawings({ shadow }: { shadow: Beside }) {
  const { drawn, settled, guided, classes } = shadow.drawings;
  return (
    <Stack gap={4}>
      <Title order={3} fz="sm">
        {t("shadow.drawings")}
      </Title>
      <Text size="sm" c="dimmed">
        {t(settled === 0 ? "shadow.drawingsHelpNone" : "shadow.drawingsHelp", {
          drawn: number(drawn),
          settled: number(settled),
          guided: number(guided),
        })}
      </Text>
      <Scroll label={t("shadow.drawings")} minWidth={360}>
        <Table>
          <Names shadow={shadow} first={[t("metrics.class"), t("shadow.between")]} />
          <Table.Tbody>
            {classes.map((row) => (
              <Table.Tr key={row.name}>
                <Table.Th scope="row">{row.name}</Table.Th>
                <Table.Td ta="right">{decimal(row.between)}</Table.Td>
                <Table.Td ta="right">{decimal(row.shadow)}</Table.Td>
                {shadow.champion === null ? null : (
                  <Table.Td ta="right">{decimal(row.champion)}</Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroll>
    </Stack>
  );
}
