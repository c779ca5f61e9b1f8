import { Skeleton, Text, UnstyledButton } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Recent } from "../../api/client";
import { ErrorNote, errorText } from "../../components/errors";
import { dateTime, t, word } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { BarPopover } from "./popover";

/** The reader's last ten answers, each to be taken up again and amended. */
export function RecentCases({ station }: { station: Workstation }) {
  return (
    <BarPopover station={station} id="recent" padding={6}>
      {() => <Answers station={station} />}
    </BarPopover>
  );
}

function Answers({ station }: { station: Workstation }) {
  // What is still on its way stands in the list once it has arrived.
  const unsent = usePick(station.reading.store, (state) => state.unsent);
  const answers = useQuery({
    queryKey: ["recent", station.reading.campaign, unsent],
    queryFn: () => station.reading.recent(),
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
  });
  const [failed, setFailed] = useState<unknown>(null);

  async function take(answer: Recent) {
    setFailed(null);
    if (!station.marks.complete()) return;
    try {
      await station.reading.reopen(answer);
      station.ui.set({ ask: null });
    } catch (error) {
      setFailed(error);
    }
  }

  if (answers.isPending) return <Skeleton w={280} h={120} />;
  if (answers.isError) {
    return <ErrorNote error={answers.error} onRetry={() => void answers.refetch()} />;
  }
  if (answers.data.length === 0) return <Text size="sm">{t("work.recentNone")}</Text>;
  return (
    <div className={classes.recent}>
      {failed ? (
        <Text size="xs" role="alert">
          {errorText(failed)}
        </Text>
      ) : null}
      {answers.data.map((answer) => (
        <Answer key={answer.annotation} answer={answer} onTake={() => void take(answer)} />
      ))}
    </div>
  );
}

function Answer({ answer, onTake }: { answer: Recent; onTake: () => void }) {
  return (
    <UnstyledButton
      className={classes.answer}
      disabled={answer.hindrance !== null}
      onClick={onTake}
      data-case={answer.case}
    >
      <img src={answer.thumbnail_url} alt="" width={44} height={44} />
      <span>
        {t("work.case", { case: answer.case })}
        <br />
        <span className={classes.dim}>
          {answer.hindrance
            ? word("work.hindrance", answer.hindrance)
            : dateTime(answer.submitted_at)}
        </span>
      </span>
    </UnstyledButton>
  );
}
