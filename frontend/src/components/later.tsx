import { Modal } from "@mantine/core";
import { type ComponentType, useEffect, useState } from "react";
import { t } from "../i18n";

export interface SheetProps {
  readonly opened: boolean;
  readonly onClose: () => void;
}

/**
 * A sheet whose code is fetched when it is first opened, so that no page is slower for it. Where
 * that fails the page goes on, and one sentence says why nothing came.
 */
export function laterSheet<P extends SheetProps>(load: () => Promise<ComponentType<P>>) {
  return function Later(props: P) {
    const { opened, onClose } = props;
    const [Part, setPart] = useState<ComponentType<P> | null>(null);
    const [failed, setFailed] = useState(false);
    // Mounted closed and opened then: only so does it know where the focus has to return to.
    const [mounted, setMounted] = useState(false);
    useEffect(() => setMounted(Part !== null), [Part]);
    useEffect(() => {
      if (!opened || Part) return;
      let live = true;
      load().then(
        (part) => live && setPart(() => part),
        () => live && setFailed(true),
      );
      return () => {
        live = false;
      };
    }, [opened, Part]);

    if (Part) return <Part {...props} opened={opened && mounted} />;
    const close = () => {
      setFailed(false);
      onClose();
    };
    return (
      <Modal
        opened={opened && failed}
        onClose={close}
        closeButtonProps={{ "aria-label": t("app.close") }}
        centered
      >
        {t("error.part")}
      </Modal>
    );
  };
}
