import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Refusal } from "../../work/outbox";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** One clear sentence about what went wrong, what is safe and what to do; the worst one only. */
export function Notices({ station }: { station: Workstation }) {
  const { reading } = station;
  const lost = usePick(reading.store, (state) => state.lost);
  const save = usePick(reading.store, (state) => state.save);
  const outbox = usePick(reading.store, (state) => state.outbox);
  const refusal = usePick(reading.store, (state) => state.refusal);
  const [lacks] = usePick(station.ui, (ui) => ui.lacking);
  const complete = usePick(station.ui, () => station.slides.complete);
  if (refusal) {
    return (
      <Notice act={t("work.dismiss")} onAct={() => reading.dismiss()}>
        {refusalText(refusal)}
      </Notice>
    );
  }
  if (lost) {
    return (
      <Notice
        act={t(lost === "campaign_closed" ? "work.leave" : "work.goOn")}
        onAct={() => void reading.goOn()}
      >
        {lostText(lost)}
      </Notice>
    );
  }
  if (save.kind === "stale") {
    return (
      <Notice
        act={t("work.takeTheirs")}
        onAct={() => void reading.takeTheirs()}
        other={t("work.keepMine")}
        onOther={() => reading.keepMine()}
      >
        {t("work.stale")}
      </Notice>
    );
  }
  if (save.kind === "refused") {
    return <Notice>{t("work.refusedDraft", { message: save.message })}</Notice>;
  }
  if (save.kind === "signed_out" || outbox === "signed_out") {
    return <Notice>{t(reading.durable ? "work.signedOutLong" : "work.signedOutUnkept")}</Notice>;
  }
  if (save.kind === "offline" || outbox === "offline") {
    return (
      <Notice act={t("app.retry")} onAct={() => reading.poke()}>
        {t(reading.durable ? "work.offlineLong" : "work.offlineUnkept")}
      </Notice>
    );
  }
  if (lacks) {
    return (
      <Notice
        act={t("app.retry")}
        onAct={() => station.again(lacks)}
        {...(complete ? { other: t("work.without"), onOther: () => station.without(lacks) } : {})}
      >
        {t(complete ? `work.lacks.${lacks}` : "work.lacks.whole")}
      </Notice>
    );
  }
  return null;
}

/** What became of a case under the reader's hands, by the server's code. */
function lostText(code: string): string {
  switch (code) {
    case "already_submitted":
      return t("work.lost.submitted");
    case "skipped":
      return t("work.lost.skipped");
    case "campaign_closed":
      return t("work.lost.closed");
    default:
      return t("work.lost");
  }
}

function refusalText({ record, code, message }: Refusal): string {
  const { caseName } = record;
  // An amendment that is refused stays in this browser alone: the server's words say why.
  if (record.amends) return t("work.refused", { case: caseName, message });
  switch (code) {
    case "lease_lost":
      return t("work.refusedKept", { case: caseName });
    case "already_submitted":
      return t("work.refused.submitted", { case: caseName });
    case "campaign_closed":
      return t("work.refused.closed", { case: caseName });
    case "task_settled":
      return t("work.refused.settled", { case: caseName });
    default:
      return t("work.refused", { case: caseName, message });
  }
}

function Notice(props: {
  children: ReactNode;
  act?: string;
  onAct?: () => void;
  other?: string;
  onOther?: () => void;
}) {
  return (
    <div className={classes.notice} role="alert">
      <IconAlertTriangle size={16} aria-hidden />
      <span>{props.children}</span>
      {props.act ? (
        <Button size="compact-xs" variant="default" onClick={props.onAct}>
          {props.act}
        </Button>
      ) : null}
      {props.other ? (
        <Button size="compact-xs" variant="default" onClick={props.onOther}>
          {props.other}
        </Button>
      ) : null}
    </div>
  );
}
