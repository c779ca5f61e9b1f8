import { CloseButton } from "@mantine/core";
import { Guideline } from "../../components/guideline";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";

/** What the campaign asks of its readers, beside the image, as long as they want it there. */
export function GuidelinePane(props: { station: Workstation; name: string; text: string }) {
  const { station, name, text } = props;
  return (
    <section className={classes.guideline} aria-label={t("guideline.title")}>
      <header>
        <h2>{t("guideline.title")}</h2>
        <CloseButton
          aria-label={t("app.close")}
          onClick={() => {
            station.ui.set({ guideline: false });
            station.focus();
          }}
        />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <div className={classes.guidelineText} tabIndex={0}>
        {/* Whole: in the bar it may be cut. */}
        <p className={classes.dim}>{name}</p>
        {text.trim() === "" ? (
          <p className={classes.dim}>{t("guideline.empty")}</p>
        ) : (
          <Guideline text={text} />
        )}
      </div>
    </section>
  );
}
