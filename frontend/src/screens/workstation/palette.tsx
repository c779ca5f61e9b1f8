import { actions } from "../../actions/actions";
import type { SheetProps } from "../../components/later";
import type { Workstation } from "../../work/workstation";
import { entryOf, useWays } from "../palette/entries";
import { Palette } from "../palette/palette";

/** Every act of the reader, and the ways out of the room. */
export function WorkPalette(props: SheetProps & { station: Workstation }) {
  const { station, opened, onClose } = props;
  const ways = useWays();
  const acts = actions
    .filter(({ id }) => id !== "palette" && id !== "tour")
    .map((each) =>
      entryOf(
        each,
        () => {
          // An act may open something that takes the focus; the palette must not take it back.
          station.focus();
          each.perform(station);
        },
        // Where a key acts only while it is held, there is nothing that one choice could do.
        !each.release && each.enabled(station, station.ui.get()),
      ),
    );
  return (
    <Palette
      opened={opened}
      // Told of every end: what an act has opened meanwhile stays.
      onClose={() => station.ui.get().ask === "palette" && onClose()}
      entries={[...acts, ...ways]}
    />
  );
}
