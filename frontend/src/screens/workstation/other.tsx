import { Box, Modal, UnstyledButton } from "@mantine/core";
import { useRef } from "react";
import { keyOfLabel, labelFor } from "../../actions/keys";
import type { SheetProps } from "../../components/later";
import { replaceLabel, swapLabels } from "../../domain/ops";
import { t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";

const ACTS = { changeClass: replaceLabel, swapClass: swapLabels } as const;

/** Asks for the class that the one at hand is changed into, or swapped with; its number does too. */
export function OtherClass(props: SheetProps & { station: Workstation }) {
  const { station, opened, onClose } = props;
  const asked = usePick(station.ui, (ui) => ui.ask);
  const list = usePick(station.ui, (ui) => ui.classes);
  const label = usePick(station.ui, (ui) => ui.label);
  // Until it has closed it says what it said.
  const last = useRef<keyof typeof ACTS>("swapClass");
  if (asked === "changeClass" || asked === "swapClass") last.current = asked;
  const id = last.current;
  const nameOf = (index: number) =>
    list.find((each) => each.index === index)?.name ?? t("work.ignore");
  const { others } = station.pen;
  const choose = (other: number) => {
    onClose();
    station.drawing.edit((mask) => ACTS[id](mask, label, other));
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`work.${id}`, { name: nameOf(label) })}
      size="xs"
      centered
      closeButtonProps={{ "aria-label": t("app.close") }}
      onKeyDown={(event) => {
        const other = labelFor(event, list);
        if (other !== null && others.includes(other)) choose(other);
      }}
    >
      {/* Room for the ring around the first one in focus. */}
      <Box pt={4}>
        {others.map((index, place) => (
          <UnstyledButton
            key={index}
            className={classes.classRow}
            data-autofocus={place === 0 || undefined}
            onClick={() => choose(index)}
          >
            <span className={classes.className}>{nameOf(index)}</span>
            <kbd>{keyOfLabel(index, list)}</kbd>
          </UnstyledButton>
        ))}
      </Box>
    </Modal>
  );
}
