import "@mantine/spotlight/styles.layer.css";
import { createSpotlight, Spotlight, useSpotlight } from "@mantine/spotlight";
import { useEffect, useState } from "react";
import type { Icon } from "../../actions/action";
import { actFor } from "../../actions/keys";
import type { SheetProps } from "../../components/later";
import { fuzzy } from "../../domain/fuzzy";
import { t } from "../../i18n";
import classes from "../../styles/sheets.module.css";

/** One thing that can be done from where the palette was opened. */
export interface Entry {
  readonly id: string;
  readonly name: string;
  /** The same in English: who learned the trade in it may think in it. */
  readonly english: string;
  readonly icon?: Icon | undefined;
  readonly key?: string;
  readonly enabled?: boolean;
  perform(): void;
}

const [store, spotlight] = createSpotlight();

function search(entries: readonly Entry[], query: string): readonly Entry[] {
  return (
    entries
      .flatMap((entry) => {
        const found = [entry.name, entry.english].flatMap((text) => fuzzy(query, text) ?? []);
        return found.length === 0 ? [] : [{ entry, found: Math.max(...found) }];
      })
      .sort((a, b) => b.found - a.found)
      .map(({ entry }) => entry)
      // Enter does the first one: what cannot be done now comes last.
      .sort((a, b) => Number(b.enabled ?? true) - Number(a.enabled ?? true))
  );
}

interface Props extends SheetProps {
  /** What there is to do, asked for each time it is opened. */
  readonly entries: readonly Entry[];
}

/** Every act, found by a few letters of its name, with its key to learn on the way. */
export function Palette({ entries, opened, onClose }: Props) {
  const [query, setQuery] = useState("");
  const { selected, listId } = useSpotlight(store);
  const found = search(entries, query);
  const active = found[selected];
  useEffect(() => {
    if (!opened) return;
    setQuery("");
    spotlight.open();
    // Also when the page goes with the choice: the next page's palette would begin open, and close
    // under the hand that opened it.
    return () => spotlight.close();
  }, [opened]);

  function choose(entry: Entry) {
    onClose();
    entry.perform();
  }

  return (
    <Spotlight.Root
      store={store}
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={onClose}
      // Gone at once: what is chosen is often followed by a stroke.
      transitionProps={{ duration: 0 }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.5 }}
      scrollable
      maxHeight={420}
      attributes={{ content: { "aria-label": t("action.palette") } }}
    >
      <Spotlight.Search
        placeholder={t("palette.search")}
        aria-label={t("palette.search")}
        onKeyDown={(event) => {
          if (actFor(event.nativeEvent, "desk")?.id !== "palette") return;
          event.preventDefault();
          onClose();
        }}
        role="combobox"
        aria-expanded={found.length > 0}
        aria-autocomplete="list"
        {...(found.length > 0 ? { "aria-controls": listId } : {})}
        {...(active ? { "aria-activedescendant": place(active) } : {})}
      />
      {found.length > 0 ? (
        <Spotlight.ActionsList role="listbox" aria-label={t("action.palette")}>
          {found.map((entry) => (
            <Item
              key={entry.id}
              entry={entry}
              selected={entry === active}
              onChoose={() => choose(entry)}
            />
          ))}
        </Spotlight.ActionsList>
      ) : (
        <Spotlight.Empty role="status">{t("palette.empty")}</Spotlight.Empty>
      )}
    </Spotlight.Root>
  );
}

const place = (entry: Entry) => `palette-${entry.id}`;

function Item(props: { entry: Entry; selected: boolean; onChoose: () => void }) {
  const { entry, selected, onChoose } = props;
  const { name, icon: Icon, key, enabled = true } = entry;
  return (
    <Spotlight.Action
      className={classes.item}
      ref={(node) => node?.setAttribute("id", place(entry))}
      role="option"
      aria-selected={selected}
      aria-disabled={!enabled}
      closeSpotlightOnTrigger={false}
      onClick={() => enabled && onChoose()}
    >
      {Icon ? <Icon size={16} stroke={1.6} /> : <span className={classes.noIcon} />}
      <span className={classes.itemName}>{name}</span>
      {key ? <kbd>{key}</kbd> : null}
    </Spotlight.Action>
  );
}
