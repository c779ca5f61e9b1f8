import { Group, Switch } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useState } from "react";
import { act } from "../../actions/rooms";
import { body, client, type Schemas } from "../../api/client";
import { ErrorNote } from "../../components/errors";
import { dateTime, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { loadMask } from "../../work/case";
import type { Looking } from "../../work/looking";
import { restServer } from "../../work/server";
import type { PageAct } from "../palette/sheets";

/** Told apart on grey images and from the class colours. */
const COLOURS = ["#FFFFFF", "#FF6FD8", "#7CFFCB", "#FFD166", "#9DB4FF"] as const;

/** Which drawings come after those on show: each alone, then all at once, then none. */
export function nextOf(all: readonly number[], chosen: ReadonlySet<number>): ReadonlySet<number> {
  if (chosen.size > 1) return new Set();
  const [one] = chosen;
  const next = one === undefined ? 0 : all.indexOf(one) + 1;
  if (next < all.length) return new Set([all[next]!]);
  return new Set(all.length > 1 ? all : []);
}

/** What else was drawn on the case under review: other readers, and earlier versions. */
export function Others(props: {
  item: Schemas["ReviewItem"];
  look: Looking;
  /** What can be done with them by key. */
  acts: RefObject<readonly PageAct[]>;
}) {
  const { item, look, acts } = props;
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const versions = useQuery({
    queryKey: ["versions", item.task.id],
    queryFn: () =>
      body(
        client.GET("/api/v1/tasks/{id}/annotations", { params: { path: { id: item.task.id } } }),
      ),
    staleTime: 30_000,
  });
  const rows = (versions.data ?? []).filter((row) => row.annotation !== item.annotation);
  const coloured = rows.map((row, i) => ({ ...row, colour: COLOURS[i % COLOURS.length]! }));
  const masks = useQueries({
    queries: coloured
      .filter((row) => chosen.has(row.annotation))
      .map(({ annotation, mask_url, colour }) => ({
        queryKey: ["version", annotation],
        queryFn: async () => ({
          mask: await loadMask(restServer, item.image, mask_url),
          colour,
        }),
        staleTime: Number.POSITIVE_INFINITY,
      })),
    combine: (found) => found.flatMap(({ data }) => (data ? [data] : [])),
  });
  useEffect(() => look.change({ others: masks }), [look, masks]);
  useEffect(() => () => look.change({ others: [] }), [look]);

  const all = rows.map((row) => row.annotation);
  useEffect(() => {
    const perform = () => setChosen(nextOf(all, chosen));
    acts.current = [{ act: act("others"), enabled: all.length > 0, perform }];
    return () => {
      acts.current = [];
    };
  });

  const toggle = (annotation: number) => {
    const next = new Set(chosen);
    if (!next.delete(annotation)) next.add(annotation);
    setChosen(next);
  };
  if (rows.length === 0) return <ErrorNote error={versions.error} />;
  return (
    <section>
      <h2>{t("review.others")}</h2>
      {coloured.map(({ annotation, reader, submitted_at, newest, colour }) => (
        <Switch
          key={annotation}
          size="xs"
          mb={6}
          label={
            <Group component="span" gap={6} wrap="nowrap" align="flex-start">
              <span
                className={classes.swatch}
                style={{ "--colour": colour } as React.CSSProperties}
              />
              <span>
                {t(newest ? "review.version" : "review.earlier", {
                  reader,
                  time: dateTime(submitted_at),
                })}
              </span>
            </Group>
          }
          checked={chosen.has(annotation)}
          onChange={() => toggle(annotation)}
        />
      ))}
    </section>
  );
}
