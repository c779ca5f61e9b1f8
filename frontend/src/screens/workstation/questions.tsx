import { Textarea, UnstyledButton } from "@mantine/core";
import type { Question } from "../../api/client";
import { answered, choicesOf } from "../../domain/findings";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** The questions of the whole image. The one at hand takes the number keys. */
export function Questions({ station }: { station: Workstation }) {
  const questions = usePick(station.ui, (ui) => ui.questions);
  const waiting = usePick(station.ui, (ui) => ui.incomplete);
  const work = usePick(station.reading.store, (state) => state.work);
  if (questions.length === 0 || !work) return null;
  const { suggestion } = work.assignment;
  const suggested = suggestion !== null && Object.keys(suggestion.findings).length > 0;
  return (
    <section>
      <h2>{t("work.questions")}</h2>
      {suggested ? (
        <p className={classes.dim}>{t("work.prefilled", { number: suggestion.model_number })}</p>
      ) : null}
      {waiting ? (
        <p className={classes.attention} role="alert">
          {t("work.incomplete")}
        </p>
      ) : null}
      {questions.map((question, place) => (
        <Item key={question.name} station={station} question={question} place={place} />
      ))}
    </section>
  );
}

function Item({
  station,
  question,
  place,
}: {
  station: Workstation;
  question: Question;
  place: number;
}) {
  const atHand = usePick(station.ui, (ui) => ui.question === place);
  const waiting = usePick(station.ui, (ui) => ui.incomplete);
  const findings = usePick(station.ui, (ui) => ui.findings);
  const lacks = waiting && question.required && !answered(question, findings);
  return (
    <div className={classes.question} data-active={atHand} data-lacks={lacks}>
      <div className={classes.questionText} id={`question-${question.name}`}>
        {question.text}
        {question.required ? null : <span className={classes.dim}> {t("work.optional")}</span>}
      </div>
      {question.kind === "text" ? (
        <Answer station={station} question={question} place={place} />
      ) : (
        <Choices station={station} question={question} place={place} atHand={atHand} />
      )}
    </div>
  );
}

function Choices({
  station,
  question,
  place,
  atHand,
}: {
  station: Workstation;
  question: Question;
  place: number;
  atHand: boolean;
}) {
  const value = usePick(station.ui, (ui) => ui.findings[question.name]);
  const shift = usePick(station.ui, (ui) => ui.classes.length > 0);
  const several = question.kind === "multiple";
  // An earlier answer that is no longer offered stays the answer until another one is chosen.
  const chosen = Array.isArray(value) ? value : [value];
  const gone = (question.dropped ?? []).filter((answer) => chosen.includes(answer));
  const said = usePick(
    station.reading.store,
    ({ work }) => work?.assignment.suggestion?.findings[question.name],
  );
  const suggested = Array.isArray(said) ? said : [said];
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles may be labelled; the rule reads no expression
    <div
      role={several ? "group" : "radiogroup"}
      className={classes.choices}
      data-scale={question.kind === "scale"}
      aria-labelledby={`question-${question.name}`}
    >
      {gone.map((answer) => (
        <span key={answer} className={classes.dim}>
          {t("work.noLonger", { answer })}
        </span>
      ))}
      {choicesOf(question).map((choice, i) => {
        const chosen = Array.isArray(value) ? value.includes(String(choice)) : value === choice;
        const mark = suggested.includes(choice) ? `suggested-${question.name}-${i}` : undefined;
        return (
          <UnstyledButton
            key={choice}
            className={classes.choice}
            role={several ? "checkbox" : "radio"}
            aria-checked={chosen}
            data-active={chosen}
            data-several={several}
            data-suggested={mark !== undefined}
            aria-describedby={mark}
            onClick={() => station.form.answer(place, i)}
          >
            <span>{choice}</span>
            {mark ? (
              <small id={mark} className={classes.dim} aria-hidden>
                {t("work.suggestedAnswer")}
              </small>
            ) : null}
            {/* A scale's values are their own keys. */}
            {atHand && i < 9 && question.kind !== "scale" ? (
              <kbd aria-hidden>{shift ? t("work.shiftKey", { key: i + 1 }) : i + 1}</kbd>
            ) : null}
          </UnstyledButton>
        );
      })}
    </div>
  );
}

function Answer({
  station,
  question,
  place,
}: {
  station: Workstation;
  question: Question;
  place: number;
}) {
  const value = usePick(station.ui, (ui) => ui.findings[question.name]);
  return (
    <Textarea
      size="xs"
      autosize
      minRows={2}
      maxRows={8}
      maxLength={5000}
      aria-labelledby={`question-${question.name}`}
      value={typeof value === "string" ? value : ""}
      onFocus={() => station.form.ask(place)}
      onChange={(event) => station.form.write(place, event.currentTarget.value)}
    />
  );
}
