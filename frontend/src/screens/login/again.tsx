import { Modal, Text } from "@mantine/core";
import { t } from "../../i18n";
import { useSession } from "../../session";
import { LoginForm } from "./login";

/** The session ended under somebody's hands: log in again without leaving the page. */
export function LogInAgain() {
  const { expired, user } = useSession();
  return (
    <Modal
      opened={expired}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t("login.againTitle")}
      size="sm"
      centered
    >
      <Text mb="md">{t("login.again")}</Text>
      <LoginForm username={user?.username ?? ""} />
    </Modal>
  );
}
