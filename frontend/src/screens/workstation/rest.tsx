import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { RestClock } from "../../domain/rest";
import { t } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import { preferences } from "../../preferences/preferences";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";

/** One for all campaigns: eyes do not rest by changing the campaign. */
const clock = new RestClock();
const seconds = () => performance.now() / 1000;
const EVERY = 5000;

/** Whether a break is due. It never comes up in the middle of an act of drawing. */
function useRestDue(station: Workstation, minutes: number): [boolean, (due: boolean) => void] {
  const [due, setDue] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const options = { passive: true, signal: stop.signal };
    const active = () => clock.activity(seconds());
    for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      window.addEventListener(kind, active, options);
    }
    const look = () => {
      setDue((was) => clock.due(minutes, seconds()) && (was || !station.tool.busy));
    };
    look();
    const timer = setInterval(look, EVERY);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [station, minutes]);
  return [due, setDue];
}

/** A quiet line in the bar: over no image, in no hand's way, gone by itself after a real break. */
export function RestNotice({ station }: { station: Workstation }) {
  const minutes = usePreference("breaks");
  const [due, setDue] = useRestDue(station, minutes);
  const later = () => {
    clock.postpone();
    setDue(false);
  };
  return (
    <div className={classes.rest} role="status" data-due={due}>
      {due ? (
        <>
          <span className={classes.attention}>{t("rest.due")}</span>
          <Button size="compact-xs" variant="default" onClick={later}>
            {t("rest.later")}
          </Button>
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => preferences.change({ breaks: 0 })}
          >
            {t("rest.never")}
          </Button>
        </>
      ) : null}
    </div>
  );
}
