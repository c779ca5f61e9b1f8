import { Skeleton } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Findings, Question } from "../../api/client";
import { isNone } from "../../domain/findings";
import type { Mask } from "../../domain/mask";
import type { Pixels } from "../../domain/window";
import { dateTime, number, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { inSight } from "../../viewer/palette";
import { Surface } from "../../viewer/surface";
import type { Rival } from "../../work/reading";
import type { Workstation } from "../../work/workstation";

type Found = { readonly rival: Rival; readonly pixels: Pixels };

/** This window's drawing and that of another one, side by side, with when each was made. */
export function BothDrawings({ station }: { station: Workstation }) {
  const [found, setFound] = useState<Found | "none" | null>(null);
  useEffect(() => {
    let live = true;
    const find = async () => {
      const rival = await station.reading.rival(station.slice);
      return rival ? { rival, pixels: await station.slides.pixels(rival.slice) } : "none";
    };
    find().then(
      (both) => live && setFound(both),
      () => live && setFound("none"),
    );
    return () => {
      live = false;
    };
  }, [station]);

  if (found === null) return <Skeleton h={280} />;
  if (found === "none") return <p role="alert">{t("work.rival.none")}</p>;
  const { rival } = found;
  const { slice, changedAt } = rival;
  const changed = changedAt === null ? null : new Date(changedAt).toISOString();
  const mine = station.ui.get().findings;
  const differ = station.ui
    .get()
    .questions.filter(({ name }) => said(mine[name]) !== said(rival.findings[name]));
  return (
    <>
      {rival.slices > 1 ? <p>{t("work.rival.slices", { n: number(rival.slices) })}</p> : null}
      <div className={classes.rivals}>
        <One
          name={t("work.rival.mine")}
          at={
            changed
              ? t("work.rival.changed", { at: dateTime(changed, "medium") })
              : t("work.rival.before")
          }
          answers={<Answers questions={differ} findings={mine} />}
          picture={<Picture station={station} found={found} mask={slice.mask} />}
        />
        <One
          name={t("work.rival.theirs")}
          at={rival.savedAt ? t("work.rival.saved", { at: dateTime(rival.savedAt, "medium") }) : ""}
          answers={<Answers questions={differ} findings={rival.findings} />}
          picture={<Picture station={station} found={found} mask={rival.mask} />}
        />
      </div>
    </>
  );
}

function One(props: { name: string; at: string; picture: ReactNode; answers: ReactNode }) {
  const { name, at, picture, answers } = props;
  return (
    <figure>
      {picture}
      <figcaption>
        {name}
        <br />
        <span className={classes.dim}>{at}</span>
      </figcaption>
      {answers}
    </figure>
  );
}

function said(value: Findings[string] | undefined): string {
  if (isNone(value)) return t("work.noneOfThese");
  return [value ?? t("work.rival.unanswered")].flat().join(", ");
}

/** The answers in which the two are not alike. */
function Answers({ questions, findings }: { questions: readonly Question[]; findings: Findings }) {
  return (
    <dl className={classes.answers}>
      {questions.map(({ name, text }) => (
        <div key={name}>
          <dt>{text}</dt>
          <dd>{said(findings[name])}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The slice as it lies in the room, with a drawing on it. */
function Picture({ station, found, mask }: { station: Workstation; found: Found; mask: Mask }) {
  const { pixels, rival } = found;
  const { spacing } = rival.slice.image;
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    const { classes: list, window, opacity, strengths } = station.ui.get();
    const surface = new Surface(host.current, () => undefined);
    surface.setColours(
      new Map(list.map(({ index, colour }) => [index, colour])),
      inSight(strengths, new Set()),
    );
    surface.setOpacity(opacity);
    surface.view = station.view;
    surface.show({ pixels, spacing }, window);
    surface.showMask(mask);
    surface.fit();
    return () => surface.destroy();
  }, [station, pixels, spacing, mask]);
  return <div ref={host} className={classes.rivalPicture} />;
}
