import { Anchor, Center, Stack } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useParams } from "react-router";
import { listen } from "../../actions/keys";
import type { Schemas } from "../../api/client";
import { campaignQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { t } from "../../i18n";
import { useSession, useUser } from "../../session";
import classes from "../../styles/workstation.module.css";
import { useLeaveGuard, usePageEvents, useStation } from "./hooks";
import { Notices } from "./notices";
import { BegunRemark } from "./remarks";
import { Room } from "./room";

export function WorkstationPage() {
  const { slug = "" } = useParams();
  const user = useUser();
  const { expired } = useSession();
  const campaign = useQuery(campaignQuery(slug));
  const station = useStation(slug, user.id);
  usePageEvents(station, !expired);
  useLeaveGuard(station);
  useDocumentTitle(t("app.title", { page: campaign.data?.name ?? slug }));

  useEffect(() => (station ? listen(station) : undefined), [station]);
  useEffect(() => {
    if (station && campaign.data) station.setForm(campaign.data.classes, campaign.data.questions);
  }, [station, campaign.data]);

  // Without its classes and questions a case would be handed in as if there were none.
  if (campaign.isError && !campaign.data) {
    return (
      <Center mih="100vh">
        <Stack gap="md">
          <ErrorNote error={campaign.error} onRetry={() => void campaign.refetch()} />
          {/* Who is no reader any more still decides on the work that lies here alone. */}
          {station ? <Notices station={station} /> : null}
          <Anchor component={Link} to="/">
            {t("home.title")}
          </Anchor>
        </Stack>
      </Center>
    );
  }
  if (!station) return <div className={classes.room} />;
  return (
    <>
      <Room
        station={station}
        address={`/campaigns/${slug}`}
        name={campaign.data?.name ?? slug}
        guideline={campaign.data ? guidelineOf(campaign.data) : ""}
      />
      <BegunRemark station={station} />
    </>
  );
}

/** Where no guideline was written, what the campaign says of itself. */
function guidelineOf({ settings, description }: Schemas["CampaignDetail"]): string {
  return settings.guideline?.trim() ? settings.guideline : description;
}
