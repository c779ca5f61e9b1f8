import { Button, Checkbox, Group, Skeleton, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { body, client, type Schemas } from "../../api/client";
import { ErrorNote } from "../../components/errors";
import { useLeave } from "../../components/leave";
import { dateTime, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { BarPopover } from "./popover";

type Remark = Schemas["RemarkOutput"];

/** What was said of the image at hand, pinned to its places; and something to say. */
export function Remarks({ station }: { station: Workstation }) {
  usePick(station.reading.store, (state) => state.work);
  const slice = usePick(station.ui, () => station.slice);
  const assignment = slice?.assignment ?? null;
  const remarks = useQuery({
    queryKey: ["remarks", assignment],
    queryFn: () =>
      body(
        client.GET("/api/v1/assignments/{id}/remarks", { params: { path: { id: assignment! } } }),
      ),
    enabled: assignment !== null,
    staleTime: 30_000,
    // A case that is read is not looked at again: kept for minutes, a day's remarks would pile up.
    gcTime: 0,
  });
  const rows = remarks.data;
  useEffect(() => station.marks.showPins(assignment, rows ?? []), [station, assignment, rows]);
  return (
    <BarPopover station={station} id="remarks" enabled={assignment !== null}>
      {(close) => (
        <Stack gap="xs" w={300}>
          {remarks.isPending ? <Skeleton h={40} /> : <List rows={rows ?? []} />}
          <ErrorNote error={remarks.error} onRetry={() => void remarks.refetch()} />
          {assignment === null ? null : (
            <Form station={station} assignment={assignment} onDone={close} />
          )}
        </Stack>
      )}
    </BarPopover>
  );
}

/** Asks before the room is left with a remark that is begun: no other page has it. */
export function BegunRemark({ station }: { station: Workstation }) {
  const begun = usePick(station.ui, ({ remark }) => remark.text.trim() !== "");
  return useLeave(begun, t("work.remarkLost"));
}

function List({ rows }: { rows: readonly Remark[] }) {
  return (
    <div className={classes.remarks}>
      {rows.map((row, i) => (
        <div key={row.id}>
          <span className={classes.dim}>
            {row.place ? t("work.pin", { n: i + 1 }) : ""} {row.author} {dateTime(row.created_at)}
          </span>
          <div className={classes.remark}>{row.text}</div>
          {row.flag ? (
            <span className={row.settled ? classes.dim : classes.attention}>
              {row.settled ? t("work.flagSettled") : t("work.flagOpen")}
            </span>
          ) : null}
        </div>
      ))}
    </div>
  );
}

export function Form(props: { station: Workstation; assignment: number; onDone: () => void }) {
  const { station, assignment, onDone } = props;
  const queries = useQueryClient();
  const draft = usePick(station.ui, (ui) => ui.remark);
  const place = draft.place?.assignment === assignment ? draft.place.at : null;
  const [flag, setFlag] = useState(false);
  const add = useMutation({
    mutationFn: ({ text }: { readonly text: string }) =>
      body(
        client.POST("/api/v1/assignments/{id}/remarks", {
          params: { path: { id: assignment } },
          body: { text, place, flag },
        }),
      ),
    onSuccess: async (_, { text }) => {
      // What was typed on meanwhile is not sent yet, and stays.
      const sent = station.ui.get().remark.text === text;
      if (sent) station.ui.set({ remark: { text: "", place: null } });
      await queries.invalidateQueries({ queryKey: ["remarks", assignment] });
      if (sent) onDone();
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    add.mutate({ text: draft.text });
  }

  return (
    <form onSubmit={submit}>
      <Stack gap={6}>
        <Textarea
          size="xs"
          label={t("work.remark")}
          description={draft.text.trim() === "" ? null : t("work.remarkUnsent")}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={2000}
          value={draft.text}
          onChange={(event) =>
            station.ui.set({ remark: { ...draft, text: event.currentTarget.value } })
          }
        />
        <Group gap="xs">
          <Button size="compact-xs" variant="default" onClick={() => station.marks.pin()}>
            {place ? t("work.pinAgain") : t("work.pinPlace")}
          </Button>
          {place ? (
            <Text size="xs" c="dimmed">
              {t("work.pinned", {
                x: Math.floor(place.x),
                y: Math.floor(place.y),
              })}
            </Text>
          ) : null}
        </Group>
        <Checkbox
          size="xs"
          label={t("work.flag")}
          checked={flag}
          onChange={(event) => setFlag(event.currentTarget.checked)}
        />
        <ErrorNote error={add.error} />
        <Button size="xs" type="submit" loading={add.isPending} disabled={draft.text.trim() === ""}>
          {t("work.remarkSend")}
        </Button>
      </Stack>
    </form>
  );
}
