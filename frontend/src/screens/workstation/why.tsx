import type { Schemas } from "../../api/client";
import { dateTime, decimal, number, t, word } from "../../i18n";
import classes from "../../styles/workstation.module.css";

/** Why this case, in words: who chose it, its place, how unsure the model is of it, and which one. */
export function Why({ why }: { why: Schemas["WhyOutput"] }) {
  // What was drawn by lot was not chosen by its score.
  const scored = why.strategy !== null && why.strategy !== "random" && why.score !== null;
  return (
    <section>
      <h2>{t("work.why")}</h2>
      <p>{word("work.why", why.share)}</p>
      {why.place && why.of ? (
        <p className={classes.dim}>
          {t("work.place", { place: number(why.place), of: number(why.of) })}
        </p>
      ) : null}
      {scored ? (
        <p className={classes.dim}>
          {t("work.score", {
            strategy: word("new.strategy", why.strategy!),
            score: decimal(why.score!, 3),
          })}
        </p>
      ) : null}
      {why.model_number !== null ? (
        <p className={classes.dim}>
          {why.scored_at
            ? t("work.byAt", { number: why.model_number, at: dateTime(why.scored_at) })
            : t("work.by", { number: why.model_number })}
        </p>
      ) : null}
    </section>
  );
}
