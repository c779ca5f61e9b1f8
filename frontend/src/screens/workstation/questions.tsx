import { Textarea, UnstyledButton } from "@mantine/core";
import type { Question } from "../../api/client";
import { answered, choicesOf, isNone, NONE } from "../../domain/findings";
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
  const keyOf = (key: number) => (shift ? t("work.shiftKey", { key }) : String(key));
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
      {choicesOf(question).map((choice, i) => (
        <Choice
          key={choice}
          name={String(choice)}
          several={several}
          chosen={Array.isArray(value) ? value.includes(String(choice)) : value === choice}
          mark={suggested.includes(choice) ? `suggested-${question.name}-${i}` : undefined}
          // A scale's values are their own keys.
          keyed={atHand && i < 9 && question.kind !== "scale" ? keyOf(i + 1) : null}
          onClick={() => station.form.answer(place, i)}
        />
      ))}
      {question.kind === "scale" && said !== undefined ? (
        <small className={classes.dim} aria-hidden>
          {t("work.suggestedValue", { value: String(said) })}
        </small>
      ) : null}
      {several ? (
        <Choice
          name={t("work.noneOfThese")}
          several
          chosen={isNone(value)}
          mark={isNone(said) ? `suggested-${question.name}-none` : undefined}
          keyed={atHand ? keyOf(0) : null}
          onClick={() => station.form.answer(place, NONE)}
        />
      ) : null}
    </div>
  );
}

function Choice(props: {
  name: string;
  several: boolean;
  chosen: boolean;
  /** The id under which it is said that the model suggested it, where it did. */
  mark: string | undefined;
  /** The key that chooses it, while it does. */
  keyed: string | null;
  onClick: () => void;
}) {
  const { name, several, chosen, mark, keyed, onClick } = props;
  return (
    <UnstyledButton
      className={classes.choice}
      role={several ? "checkbox" : "radio"}
      aria-checked={chosen}
      data-active={chosen}
      data-several={several}
      data-suggested={mark !== undefined}
      aria-describedby={mark}
      onClick={onClick}
    >
      <span>{name}</span>
      {mark ? (
        <small id={mark} className={classes.dim} aria-hidden>
          {t("work.suggestedAnswer")}
        </small>
      ) : null}
      {keyed === null ? null : <kbd aria-hidden>{keyed}</kbd>}
    </UnstyledButton>
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
