import { Anchor, Button, List, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { unreadableQuery } from "../../api/queries";
import { ErrorNote } from "../../components/errors";
import { t } from "../../i18n";

/** Which images the champion could not read: asked for by who wants to bring them back. */
export function Unreadable({ slug }: { slug: string }) {
  const [open, setOpen] = useState(false);
  const { data, error, refetch } = useQuery({ ...unreadableQuery(slug), enabled: open });
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        mt={4}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {t(open ? "unreadable.hide" : "unreadable.show")}
      </Button>
      {open ? (
        <>
          <ErrorNote error={error} onRetry={() => void refetch()} />
          <Text size="sm" c="dimmed" mt="xs">
            {t("unreadable.help")}
          </Text>
          <List size="sm" mt={4}>
            {data?.map((each) => (
              <List.Item key={each.case}>
                <Row slug={slug} row={each} />
              </List.Item>
            ))}
          </List>
        </>
      ) : null}
    </>
  );
}

function Row({ slug, row }: { slug: string; row: Schemas["UnreadableOutput"] }) {
  const { case: id, image, patient, slice, problem, file, import_id, import_number } = row;
  return (
    <>
      {t("unreadable.case", { id, image, patient, slice: slice + 1 })}
      <br />
      {t(`unreadable.problem.${problem}`)}
      {import_number === null ? null : (
        <>
          {" · "}
          <Anchor
            component={Link}
            to={`/campaigns/${slug}/import?import=${import_id}`}
            inherit
            style={{ overflowWrap: "anywhere" }}
          >
            {t("unreadable.file", { file, number: import_number })}
          </Anchor>
        </>
      )}
    </>
  );
}
