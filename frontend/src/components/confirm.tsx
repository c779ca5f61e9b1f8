import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "../i18n";

interface ConfirmProps {
  readonly opened: boolean;
  readonly title: string;
  /** What will happen, and what stays. */
  readonly help: string;
  /** The word on the button that does it. */
  readonly act: string;
  /** Nothing is lost by it. */
  readonly harmless?: boolean;
  /** What it is about, to be looked at first; it needs a wide dialog. */
  readonly children?: ReactNode;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}

/** Asks once more before something that a slip should not do. */
export function Confirm(props: ConfirmProps) {
  const { opened, title, help, act, harmless = false, children, onClose, onConfirm } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      {...(children ? { size: "lg" } : {})}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack gap="sm">
        <Text size="sm">{help}</Text>
        {children}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("app.cancel")}
          </Button>
          <Button
            {...(harmless ? {} : { color: "danger" })}
            onClick={() => {
              onClose();
              onConfirm();
            }}
          >
            {act}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
