import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { neighboursQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** Labelled cases that the model holds to be like the one at hand: fetched when wanted. */
export function Neighbours({ station }: { station: Workstation }) {
  const [open, setOpen] = useState(false);
  const shown = usePick(station.ui, () => station.suggestion !== null && station.maps.explained);
  const at = usePick(station.ui, () => station.slice?.assignment ?? null);
  usePick(station.reading.store, (state) => state.work);
  if (!shown || at === null) return null;
  return (
    <section>
      <h2>{t("work.near")}</h2>
      <Button
        size="compact-xs"
        variant="default"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {t(open ? "work.nearHide" : "work.nearShow")}
      </Button>
      {open ? <Found assignment={at} /> : null}
    </section>
  );
}

function Found({ assignment }: { assignment: number }) {
  const found = useQuery({ ...neighboursQuery(assignment), gcTime: 0 });
  const list = useRef<HTMLUListElement>(null);
  // They open at the end of the panel, on a small screen below what is seen of it.
  useEffect(() => {
    if (found.isSuccess) list.current?.scrollIntoView({ block: "nearest" });
  }, [found.isSuccess]);
  if (found.isPending) return <Skeleton h={80} mt={6} />;
  if (found.isError) {
    return <ErrorNote error={found.error} onRetry={() => void found.refetch()} />;
  }
  if (found.data.length === 0) return <p className={classes.dim}>{t("work.nearNone")}</p>;
  return (
    <ul className={classes.near} ref={list}>
      {found.data.map((each) => {
        const name = t("work.nearCase", { patient: each.patient, slice: each.slice + 1 });
        return (
          <li key={each.image}>
            <Picture address={each.picture_url} name={name} />
            <span className={classes.dim}>{name}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Picture({ address, name }: { address: string; name: string }) {
  const [waiting, setWaiting] = useState(true);
  const come = () => setWaiting(false);
  return (
    <Skeleton visible={waiting} radius={3}>
      <img src={address} alt={name} onLoad={come} onError={come} />
    </Skeleton>
  );
}
