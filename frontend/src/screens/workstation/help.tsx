import { Modal } from "@mantine/core";
import { type Action, actions } from "../../actions/actions";
import { keyText } from "../../actions/keys";
import { label, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

const GROUPS = ["tools", "class", "edit", "view", "case"] as const;

/** Every act and its keys, from the one list. */
export function HelpSheet({ station }: { station: Workstation }) {
  const opened = usePick(station.ui, (ui) => ui.ask === "help");
  return (
    <Modal
      opened={opened}
      onClose={() => station.ui.set({ ask: null })}
      title={t("work.help")}
      size="xl"
      centered
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <div className={classes.help}>
        {GROUPS.map((group) => (
          <section key={group}>
            <h2>{t(`group.${group}`)}</h2>
            <dl>
              {actions
                .filter((each) => each.group === group && each.keys.length > 0)
                .map((each) => (
                  <Line key={each.id} act={each} />
                ))}
              {group === "tools" ? (
                <Keys name={t("action.classes")} keys={[t("key.classes")]} />
              ) : null}
            </dl>
          </section>
        ))}
      </div>
      <p className={classes.dim}>{t("work.helpMouse")}</p>
    </Modal>
  );
}

function Line({ act }: { act: Action }) {
  return <Keys name={label(act.label)} keys={act.keys} />;
}

function Keys({ name, keys }: { name: string; keys: readonly string[] }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {keys.map((key) => (
          <kbd key={key}>{keyText(key)}</kbd>
        ))}
      </dd>
    </div>
  );
}
