import { Alert, Anchor, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { campaignsQuery } from "../api/queries";
import { sentences, t, tn } from "../i18n";
import { type Unsent, unsentOf } from "../journal/unsent";
import { useSession, useUser } from "../session";

/** Finished cases that have not reached the server, each with the way to what sends them. */
function UnsentList({ unsent, onGo }: { unsent: readonly Unsent[]; onGo?: () => void }) {
  const { data } = useQuery(campaignsQuery());
  return unsent.map(({ campaign, cases, refused }) => (
    <Text key={campaign} size="sm">
      {tn("unsent.cases", cases)} ·{" "}
      <Anchor component={Link} to={`/campaigns/${campaign}/read`} inherit onClick={onGo}>
        {t("unsent.open", { name: data?.find(({ slug }) => slug === campaign)?.name ?? campaign })}
      </Anchor>
      {refused > 0 ? <> · {tn("unsent.refused", refused)}</> : null}
    </Text>
  ));
}

/** Says so while there are any. */
export function UnsentNotice() {
  const { id } = useUser();
  const { data = [] } = useQuery({
    queryKey: ["unsent", id],
    queryFn: () => unsentOf(id),
    staleTime: 0,
    // The browser's own, to be read without the network too.
    networkMode: "always",
    refetchInterval: (query) => (query.state.data?.length ? 5000 : false),
  });
  if (data.length === 0) return null;
  return (
    <Alert color="amber" title={t("unsent.title")} mb="md">
      <Text size="sm">{t("unsent.help")}</Text>
      <UnsentList unsent={data} />
    </Alert>
  );
}

/** Asks once more when somebody logs out who has finished cases to send. */
export function LogOutAnyway() {
  const { leaving, stay, logOut } = useSession();
  return (
    <Modal
      opened={leaving !== null}
      onClose={stay}
      title={t("unsent.title")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack gap="sm">
        <Text size="sm">{sentences(t("unsent.help"), t("unsent.leaveHelp"))}</Text>
        <div>
          <UnsentList unsent={leaving ?? []} onGo={stay} />
        </div>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={stay}>
            {t("app.cancel")}
          </Button>
          <Button color="danger" onClick={() => void logOut(true)}>
            {t("unsent.leave")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
