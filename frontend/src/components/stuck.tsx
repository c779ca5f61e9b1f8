import { Modal, Stack, Text } from "@mantine/core";
import { t } from "../i18n";
import { useSession } from "../session";
import { ErrorNote } from "./errors";

/** Says so when somebody could not be logged out, with the way to try again. */
export function LogOutFailed() {
  const { stuck, stay, logOut } = useSession();
  return (
    <Modal
      opened={stuck !== null}
      onClose={stay}
      title={t("app.signOutFailed")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack gap="sm">
        <ErrorNote error={stuck} onRetry={() => void logOut(true)} />
        <Text size="sm">{t("app.signOutFailedHelp")}</Text>
      </Stack>
    </Modal>
  );
}
