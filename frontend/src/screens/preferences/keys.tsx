import { ActionIcon, Button, Group, Modal, UnstyledButton } from "@mantine/core";
import { IconRestore } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { Act, ActId } from "../../actions/action";
import {
  assign,
  type Clash,
  clashes,
  isKey,
  keepKeys,
  keysOf,
  type Refusal,
  refusal,
} from "../../actions/bindings";
import { chord, keyText } from "../../actions/keys";
import { act as actOf, acts } from "../../actions/rooms";
import type { SheetProps } from "../../components/later";
import { label, t } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import classes from "../../styles/sheets.module.css";

const GROUPS = ["tools", "class", "edit", "view", "case", "review"] as const;

/** What the sheet is waiting for: a key for an action, or a word about one that is taken. */
interface Asking {
  readonly id: ActId;
  readonly keys?: readonly string[];
  readonly clashes?: readonly Clash[];
  readonly refused?: { readonly key: string; readonly why: Refusal };
}

/** Every act and its keys, from the one list; each can have another key. */
export function Keys({ opened, onClose, onTour }: SheetProps & { onTour?: () => void }) {
  const [changing, setChanging] = useState(false);
  const [asking, setAsking] = useState<Asking | null>(null);
  const table = usePreference("keys");
  const close = () => {
    setAsking(null);
    setChanging(false);
    onClose();
  };
  const want = (id: ActId, keys: readonly string[]) => {
    const found = clashes(id, keys, table);
    if (found.length > 0) return setAsking({ id, keys, clashes: found });
    keepKeys(assign(id, keys, table));
    setAsking(null);
  };
  const capturing = opened && asking !== null && !asking.clashes;
  useCapture(capturing ? asking.id : null, {
    cancel: () => setAsking(null),
    refuse: (id, key, why) => setAsking({ id, refused: { key, why } }),
    take: (id, key) => want(id, [key]),
  });
  return (
    <Modal
      opened={opened}
      onClose={() => (asking?.clashes ? setAsking(null) : close())}
      closeOnEscape={!capturing}
      title={t("work.help")}
      size="xl"
      centered
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <div className={classes.keys}>
        {GROUPS.map((group) => (
          <section key={group}>
            <h2>{t(`group.${group}`)}</h2>
            <ul>
              {acts
                .filter((each) => each.group === group)
                .filter((each) => changing || keysOf(each, table).length > 0)
                .map((each) =>
                  changing ? (
                    <Changeable
                      key={each.id}
                      act={each}
                      asked={asking?.id === each.id}
                      onAsk={() => setAsking(asking?.id === each.id ? null : { id: each.id })}
                      onReset={() => want(each.id, each.keys)}
                    />
                  ) : (
                    <Line key={each.id} name={label(each.label)} keys={keysOf(each, table)} />
                  ),
                )}
              {group === "tools" ? (
                <Line name={t("action.classes")} keys={[t("key.classes")]} />
              ) : null}
            </ul>
          </section>
        ))}
      </div>
      <p className={classes.dim}>{t("work.helpMouse")}</p>
      <div className={classes.foot}>
        <output className={classes.told}>
          {asking ? (
            <Told key={asking.clashes ? "clash" : "press"} asking={asking} onAsk={setAsking} />
          ) : null}
        </output>
        <Group gap="xs" wrap="nowrap">
          {onTour && !changing ? (
            <Button size="xs" variant="default" onClick={onTour}>
              {t("action.tour")}
            </Button>
          ) : null}
          {changing && Object.keys(table).length > 0 ? (
            <Button size="xs" variant="default" onClick={() => keepKeys({})}>
              {t("keys.resetAll")}
            </Button>
          ) : null}
          <Button
            size="xs"
            variant={changing ? "filled" : "default"}
            onClick={() => {
              setAsking(null);
              setChanging(!changing);
            }}
          >
            {changing ? t("keys.done") : t("keys.change")}
          </Button>
        </Group>
      </div>
    </Modal>
  );
}

interface Heard {
  cancel(): void;
  refuse(id: ActId, key: string, why: Refusal): void;
  take(id: ActId, key: string): void;
}

/** While an action waits for its key, the next key is that one and does nothing else. */
function useCapture(id: ActId | null, heard: Heard): void {
  useEffect(() => {
    if (id === null) return;
    const stop = new AbortController();
    const down = (event: KeyboardEvent) => {
      const key = chord(event);
      // Alt and the keys with it belong to menus and to writing letters.
      if (event.altKey || !isKey(key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      // The release of Enter or the space bar would press the button again.
      const release = { capture: true, once: true } as const;
      window.addEventListener("keyup", (up) => up.preventDefault(), release);
      const why = refusal(key);
      if (key === "escape") heard.cancel();
      else if (why) heard.refuse(id, key, why);
      else heard.take(id, key);
    };
    window.addEventListener("keydown", down, { capture: true, signal: stop.signal });
    return () => stop.abort();
  }, [id, heard]);
}

/** What is waited for, or why a key cannot be had, in words. */
function Told(props: { asking: Asking; onAsk: (asking: Asking | null) => void }) {
  const { asking, onAsk } = props;
  const name = label(actOf(asking.id).label);
  const table = usePreference("keys");
  const take = useRef<HTMLButtonElement>(null);
  // The question is far from the key it is about: who came by keyboard must find it.
  useEffect(() => take.current?.focus(), []);
  if (asking.clashes && asking.keys) {
    const { id, keys, clashes: found } = asking;
    return (
      <>
        <span>
          {found
            .map(({ key, holder }) =>
              t("keys.clash", { key: keyText(key), holder: label(holder.label) }),
            )
            .join(" ")}
        </span>
        <Button
          size="compact-xs"
          ref={take}
          onClick={() => {
            keepKeys(assign(id, keys, table));
            onAsk(null);
          }}
        >
          {t("keys.take", { action: name })}
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onAsk(null)}>
          {t("app.cancel")}
        </Button>
      </>
    );
  }
  const why = asking.refused;
  return (
    <span>
      {why ? `${t(`keys.refused.${why.why}`, { key: keyText(why.key) })} ` : null}
      {t("keys.press", { action: name })}
    </span>
  );
}

function Line({ name, keys }: { name: string; keys: readonly string[] }) {
  return (
    <li>
      <span>{name}</span>
      <KeyCaps keys={keys} />
    </li>
  );
}

function Changeable(props: { act: Act; asked: boolean; onAsk: () => void; onReset: () => void }) {
  const { act, asked, onAsk, onReset } = props;
  const table = usePreference("keys");
  const keys = keysOf(act, table);
  const name = label(act.label);
  return (
    <li>
      <UnstyledButton className={classes.change} aria-pressed={asked} onClick={onAsk}>
        <span>{name}</span>
        {asked ? (
          <kbd>{t("keys.waiting")}</kbd>
        ) : keys.length > 0 ? (
          <KeyCaps keys={keys} />
        ) : (
          <span className={classes.dim}>{t("keys.none")}</span>
        )}
      </UnstyledButton>
      {table[act.id] ? (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("keys.reset", { action: name })}
          onClick={onReset}
        >
          <IconRestore size={16} />
        </ActionIcon>
      ) : null}
    </li>
  );
}

function KeyCaps({ keys }: { keys: readonly string[] }) {
  return (
    <span className={classes.caps}>
      {keys.map((key) => (
        <kbd key={key}>{keyText(key)}</kbd>
      ))}
    </span>
  );
}
