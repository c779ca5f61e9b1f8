import { Button, Popover } from "@mantine/core";
import type { ReactNode } from "react";
import { type ActionId, action } from "../../actions/actions";
import { spokenKey } from "../../actions/keys";
import { label } from "../../i18n";
import type { Ui } from "../../work/ui";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

/** A button of the bottom bar, and what it opens above itself; one is open at a time. */
export function BarPopover(props: {
  station: Workstation;
  id: ActionId & NonNullable<Ui["ask"]>;
  enabled?: boolean;
  padding?: number;
  children: (close: () => void) => ReactNode;
}) {
  const { station, id, enabled = true, padding, children } = props;
  const opened = usePick(station.ui, (ui) => ui.ask === id);
  const act = action(id);
  const close = () => station.ui.set({ ask: null });
  return (
    <Popover
      opened={opened}
      onChange={(open) => !open && close()}
      position="top-start"
      trapFocus
      returnFocus
      withArrow
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={!enabled}
          {...spokenKey(act)}
          onClick={() => (opened ? close() : act.perform(station))}
        >
          {label(act.label)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown {...(padding === undefined ? {} : { p: padding })}>
        {opened ? children(close) : null}
      </Popover.Dropdown>
    </Popover>
  );
}
