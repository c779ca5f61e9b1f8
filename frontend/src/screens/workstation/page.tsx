import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useParams } from "react-router";
import { listen } from "../../actions/keys";
import { campaignQuery } from "../../api/queries";
import { t } from "../../i18n";
import { useSession, useUser } from "../../session";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { BottomBar } from "./bottom";
import { HelpSheet } from "./help";
import { usePageEvents, usePick, useStation } from "./hooks";
import { Notices } from "./notices";
import { Options } from "./options";
import { SidePanel } from "./panel";
import { ToolRail } from "./rail";
import { Stage } from "./stage";
import { TopBar } from "./top";

export function WorkstationPage() {
  const { slug = "" } = useParams();
  const user = useUser();
  const { expired } = useSession();
  const campaign = useQuery(campaignQuery(slug));
  const station = useStation(slug, user.id);
  usePageEvents(station, !expired);
  useDocumentTitle(t("app.title", { page: campaign.data?.name ?? slug }));

  useEffect(() => (station ? listen(station) : undefined), [station]);
  useEffect(() => {
    if (station && campaign.data) station.setClasses(campaign.data.classes);
  }, [station, campaign.data]);

  if (!station) return <div className={classes.room} />;
  return <Room station={station} slug={slug} name={campaign.data?.name ?? slug} />;
}

function Room({ station, slug, name }: { station: Workstation; slug: string; name: string }) {
  const panel = usePick(station.ui, (ui) => ui.panel);
  return (
    <div className={classes.room} data-panel={panel}>
      <TopBar station={station} slug={slug} name={name} />
      <ToolRail station={station} />
      <main className={classes.middle}>
        <Options station={station} />
        <Stage station={station} slug={slug} />
      </main>
      {panel ? <SidePanel station={station} /> : null}
      <div className={classes.bottom}>
        <Notices station={station} />
        <BottomBar station={station} />
      </div>
      <HelpSheet station={station} />
    </div>
  );
}
