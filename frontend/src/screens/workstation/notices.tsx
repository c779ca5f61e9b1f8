import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** One clear sentence about what went wrong, what is safe and what to do; the worst one only. */
export function Notices({ station }: { station: Workstation }) {
  const { reading } = station;
  const lost = usePick(reading.store, (state) => state.lost);
  const save = usePick(reading.store, (state) => state.save);
  const outbox = usePick(reading.store, (state) => state.outbox);
  const refusal = usePick(reading.store, (state) => state.refusal);
  if (refusal) {
    const { caseName } = refusal.record;
    const kept = refusal.code === "lease_lost";
    return (
      <Notice act={t("work.dismiss")} onAct={() => reading.dismiss()}>
        {kept
          ? t("work.refusedKept", { case: caseName })
          : t("work.refused", { case: caseName, message: refusal.message })}
      </Notice>
    );
  }
  if (lost) {
    return (
      <Notice act={t("work.goOn")} onAct={() => void reading.goOn()}>
        {t("work.lost")}
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
    return <Notice>{t("work.signedOutLong")}</Notice>;
  }
  if (save.kind === "offline" || outbox === "offline") {
    return (
      <Notice act={t("app.retry")} onAct={() => reading.poke()}>
        {t("work.offlineLong")}
      </Notice>
    );
  }
  return null;
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
