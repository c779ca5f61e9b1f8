import {
  ActionIcon,
  Button,
  Group,
  MultiSelect,
  Paper,
  Stack,
  Table,
  TextInput,
} from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { body, client, type Schemas } from "../../api/client";
import { membersQuery, progressQuery } from "../../api/queries";
import { Confirm } from "../../components/confirm";
import { ErrorNote } from "../../components/errors";
import { Empty } from "../../components/page";
import { Scroll } from "../../components/scroll";
import { dateTime, duration, number, t } from "../../i18n";
import type { TabProps } from "./campaign";

type Role = Schemas["RolesEnum"];
const ROLES: readonly Role[] = ["reader", "reviewer", "manager"];
const options = ROLES.map((value) => ({ value, label: t(`role.${value}`) }));

export function ReadersTab({ campaign }: TabProps) {
  const { slug } = campaign;
  const queries = useQueryClient();
  const members = useQuery(membersQuery(slug));
  const progress = useQuery(progressQuery(slug));
  const [username, setUsername] = useState("");
  const [roles, setRoles] = useState<string[]>(["reader"]);
  const put = useMutation({
    mutationFn: (member: Schemas["MemberInputRequest"]) =>
      body(
        client.PUT("/api/v1/campaigns/{slug}/members", {
          params: { path: { slug } },
          body: member,
        }),
      ),
    onSuccess: (data) => queries.setQueryData(membersQuery(slug).queryKey, data),
  });

  function add(event: FormEvent) {
    event.preventDefault();
    put.mutate(
      { username: username.trim(), roles: roles as Role[] },
      { onSuccess: () => setUsername("") },
    );
  }

  const work = new Map(progress.data?.readers.map((reader) => [reader.username, reader]));
  return (
    <Stack gap="md">
      <Paper p="md">
        <form onSubmit={add}>
          <Group align="flex-end">
            <TextInput
              label={t("readers.username")}
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
              required
              withAsterisk={false}
            />
            <MultiSelect
              label={t("readers.roles")}
              data={options}
              value={roles}
              onChange={setRoles}
              miw={240}
            />
            <Button type="submit" loading={put.isPending} disabled={roles.length === 0}>
              {t("readers.add")}
            </Button>
          </Group>
        </form>
      </Paper>
      <ErrorNote error={put.error} />
      <ErrorNote error={members.error} onRetry={() => void members.refetch()} />
      {members.data?.length === 0 ? (
        <Empty title={t("readers.empty")}>{t("readers.emptyHelp")}</Empty>
      ) : (
        <Paper>
          <Scroll label={t("tab.readers")} minWidth={760}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("readers.name")}</Table.Th>
                  <Table.Th>{t("readers.roles")}</Table.Th>
                  <Table.Th ta="right">{t("readers.submitted")}</Table.Th>
                  <Table.Th ta="right">{t("readers.median")}</Table.Th>
                  <Table.Th>{t("readers.last")}</Table.Th>
                  <Table.Th w={48} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {members.data?.map((member) => (
                  <Member
                    key={member.username}
                    member={member}
                    work={work.get(member.username)}
                    onRoles={(given) => put.mutate({ username: member.username, roles: given })}
                  />
                ))}
              </Table.Tbody>
            </Table>
          </Scroll>
        </Paper>
      )}
    </Stack>
  );
}

function Member(props: {
  member: Schemas["MemberOutput"];
  work: Schemas["ReaderOutput"] | undefined;
  onRoles: (roles: Role[]) => void;
}) {
  const { member, work, onRoles } = props;
  const { username, name, roles } = member;
  const [asking, setAsking] = useState(false);
  return (
    <Table.Tr>
      <Table.Td>{name ? `${name} (${username})` : username}</Table.Td>
      <Table.Td>
        <MultiSelect
          size="xs"
          aria-label={t("readers.change", { name: username })}
          data={options}
          value={roles}
          onChange={(given) => given.length > 0 && onRoles(given as Role[])}
        />
      </Table.Td>
      <Table.Td ta="right">{number(work?.submitted ?? 0)}</Table.Td>
      <Table.Td ta="right">{duration(work?.seconds_median)}</Table.Td>
      <Table.Td>{dateTime(work?.last_at)}</Table.Td>
      <Table.Td>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("readers.remove", { name: username })}
          onClick={() => setAsking(true)}
        >
          <IconTrash size={16} />
        </ActionIcon>
        <Confirm
          opened={asking}
          title={t("readers.removeTitle", { name: username })}
          help={t("readers.removeHelp")}
          act={t("readers.remove", { name: username })}
          onClose={() => setAsking(false)}
          onConfirm={() => onRoles([])}
        />
      </Table.Td>
    </Table.Tr>
  );
}
