import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { Confirm } from "../../components/confirm";
import { sentences, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Refusal } from "../../work/outbox";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { BothDrawings } from "./rival";

/** One clear sentence about what went wrong, what is safe and what to do; the worst one only. */
export function Notices({ station }: { station: Workstation }) {
  const { reading } = station;
  const lost = usePick(reading.store, (state) => state.lost);
  const save = usePick(reading.store, (state) => state.save);
  const outbox = usePick(reading.store, (state) => state.outbox);
  const [refusal] = usePick(reading.store, (state) => state.refusals);
  const [lacks] = usePick(station.ui, (ui) => ui.lacking);
  const complete = usePick(station.ui, () => station.slides.complete);
  const changed = save.kind !== "clean"; // by this reader, now or before
  // The case that was not taken is open again, at the choice that kept it from being taken.
  const chooses = refusal && !refusal.kept && refusal.code === "stale_draft";
  if (chooses && save.kind === "stale") return <Stale station={station} refusal={refusal} />;
  if (refusal) return <Refused key={refusal.record.key} station={station} refusal={refusal} />;
  if (lost) {
    return (
      <Notice
        acts={[
          [
            t(lost === "campaign_closed" ? "work.leave" : "work.goOn"),
            () => {
              if (station.marks.complete()) void reading.goOn();
            },
          ],
        ]}
      >
        {lostText(lost, changed)}
      </Notice>
    );
  }
  if (save.kind === "stale") return <Stale station={station} />;
  if (save.kind === "refused") {
    return <Notice>{t("work.refusedDraft", { message: save.message })}</Notice>;
  }
  if (save.kind === "signed_out" || outbox === "signed_out") {
    return <Notice>{t(reading.durable ? "work.signedOutLong" : "work.signedOutUnkept")}</Notice>;
  }
  if (save.kind === "offline" || outbox === "offline") {
    return (
      <Notice acts={[[t("app.retry"), () => reading.poke()]]}>
        {t(reading.durable ? "work.offlineLong" : "work.offlineUnkept")}
      </Notice>
    );
  }
  if (lacks) {
    const again: Act = [t("app.retry"), () => station.again(lacks)];
    const without: Act = [t("work.without"), () => station.without(lacks)];
    // While the list of the series is on its way, slices lack without a word.
    const whole = lacks === "series" && !complete;
    return (
      <Notice acts={whole ? [again] : [again, without]}>
        {whole
          ? sentences(t("work.lacks.whole"), ...(changed ? [t("work.lacks.kept")] : []))
          : t(`work.lacks.${lacks}`)}
      </Notice>
    );
  }
  return null;
}

/** Another window saved other work: only one of the two drawings stays. */
function Stale({ station, refusal }: { station: Workstation; refusal?: Refusal }) {
  const { reading } = station;
  const [asked, setAsked] = useState<"takeTheirs" | "keepMine" | null>(null);
  const confirm = (kept: "takeTheirs" | "keepMine") => (
    <Confirm
      opened={asked === kept}
      title={t(`work.${kept}Title`)}
      help={t(`work.${kept}Help`)}
      act={t(`work.${kept}Act`)}
      onClose={() => setAsked(null)}
      onConfirm={() => void reading[kept]()}
    >
      <BothDrawings station={station} />
    </Confirm>
  );
  return (
    <>
      <Notice
        acts={[
          [t("work.takeTheirs"), () => setAsked("takeTheirs")],
          [t("work.keepMine"), () => setAsked("keepMine")],
        ]}
      >
        {refusal ? sentences(refusalText(refusal), t("work.chooseAndSubmit")) : t("work.stale")}
      </Notice>
      {confirm("takeTheirs")}
      {confirm("keepMine")}
    </>
  );
}

/** A case that was handed in and not taken: of work that lies here alone the reader decides. */
function Refused({ station, refusal }: { station: Workstation; refusal: Refusal }) {
  const { reading } = station;
  const [asking, setAsking] = useState(false);
  const { record, kept } = refusal;
  if (!kept) {
    return (
      <Notice acts={[[t("work.dismiss"), () => reading.dismiss()]]}>{refusalText(refusal)}</Notice>
    );
  }
  const acts: Act[] = [[t("work.discard"), () => setAsking(true)]];
  if (refusal.code !== "stale_draft") {
    acts.unshift([t("work.sendAgain"), () => void reading.resend()]);
  } else if (record.amends) {
    acts.unshift([
      t("work.openToChoose"),
      () => {
        if (station.marks.complete()) void reading.revisit();
      },
    ]);
  }
  // Where the browser keeps nothing there is no later: with the notice the work would be out of reach.
  if (reading.durable) acts.push([t("work.decideLater"), () => reading.dismiss()]);
  return (
    <>
      <Notice acts={acts}>
        {sentences(
          refusalText(refusal),
          t(reading.durable ? "work.refusedHere" : "work.refusedUnkept"),
        )}
      </Notice>
      <Confirm
        opened={asking}
        title={t("work.discardTitle", { case: record.caseName })}
        help={t("work.discardHelp")}
        act={t("work.discard")}
        onClose={() => setAsking(false)}
        onConfirm={() => void reading.discard()}
      />
    </>
  );
}

/** What became of a case under the reader's hands, by the server's code, and of what was drawn on it. */
function lostText(code: string, changed: boolean): string {
  const kept = code === "already_submitted" ? "work.keptBesideSubmitted" : "work.kept";
  const said = [lossText(code)];
  if (changed) said.push(t(kept));
  if (code === "campaign_closed") said.push(t("work.askToOpen"));
  return sentences(...said);
}

function lossText(code: string): string {
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
  if (code === "stale_draft") return t("work.refused.stale", { case: caseName });
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

type Act = readonly [name: string, perform: () => void];
type Acts = readonly Act[];

function Notice({ children, acts = [] }: { children: ReactNode; acts?: Acts }) {
  return (
    <div className={classes.notice} role="alert">
      <IconAlertTriangle size={16} aria-hidden />
      <span>{children}</span>
      {acts.map(([name, perform]) => (
        <Button
          key={name}
          size="compact-xs"
          variant="default"
          flex="none"
          // The second click of a double click would decide over the notice that comes next.
          onClick={({ detail }) => detail <= 1 && perform()}
        >
          {name}
        </Button>
      ))}
    </div>
  );
}
