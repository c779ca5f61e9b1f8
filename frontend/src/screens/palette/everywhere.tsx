import type { SheetProps } from "../../components/later";
import { entryOf, sheetEntries, useWays } from "./entries";
import { Palette } from "./palette";
import type { Open, PageAct } from "./sheets";

/** The palette of a page without a workstation: what the page does, then the ways from it. */
export function Everywhere(props: SheetProps & { own: () => readonly PageAct[]; onSheet: Open }) {
  const { opened, onClose, own, onSheet } = props;
  const ways = useWays();
  const acts = own()
    // Where a key acts only while it is held, there is nothing that one choice could do.
    .filter(({ release }) => !release)
    .map(({ act, perform, enabled }) => entryOf(act, perform, enabled ?? true));
  return (
    <Palette
      opened={opened}
      onClose={onClose}
      entries={[...acts, ...ways, ...sheetEntries(onSheet)]}
    />
  );
}
