import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { type ComponentProps, useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { ErrorNote } from "../../../components/errors";
import { t } from "../../../i18n";
import { useCampaignChange } from "./runs";

type Model = Schemas["ModelOutput"];
type Named = Pick<Model, "id" | "number">;

/** Make a model the champion, after saying why. */
export function Promote(props: { model: Named; slug: string; size?: string }) {
  const { model, slug, size = "compact-sm" } = props;
  const { number, id } = model;
  return (
    <Decision
      slug={slug}
      title={t("decide.promote", { number })}
      help={t("decide.promoteHelp")}
      confirm={t("models.promote", { number })}
      act={(reason) =>
        body(
          client.POST("/api/v1/models/{id}/promote", {
            params: { path: { id } },
            body: { reason },
          }),
        )
      }
      button={{
        size,
        children: t("models.promoteShort"),
        "aria-label": t("models.promote", { number }),
      }}
    />
  );
}

/** Take a model out of the shadow, after saying why. */
export function EndShadow({ model, slug }: { model: Named; slug: string }) {
  const { number, id } = model;
  return (
    <Decision
      slug={slug}
      title={t("shadow.endTitle", { number })}
      help={t("shadow.endHelp")}
      confirm={t("shadow.end")}
      act={(reason) =>
        body(
          client.POST("/api/v1/models/{id}/end-shadow", {
            params: { path: { id } },
            body: { reason },
          }),
        )
      }
      button={{ size: "compact-sm", children: t("shadow.end") }}
    />
  );
}

/** Go back to the champion before, after saying why. */
export function RollBack({ slug, number }: { slug: string; number: number }) {
  return (
    <Decision
      slug={slug}
      title={t("decide.rollback", { number })}
      help={t("decide.rollbackHelp", { number })}
      confirm={t("models.rollback", { number })}
      act={(reason) =>
        body(
          client.POST("/api/v1/campaigns/{slug}/rollback", {
            params: { path: { slug } },
            body: { reason, number },
          }),
        )
      }
      button={{ size: "compact-sm", children: t("models.rollback", { number }) }}
    />
  );
}

interface DecisionProps {
  readonly slug: string;
  readonly title: string;
  readonly help: string;
  readonly confirm: string;
  readonly act: (reason: string) => Promise<Model>;
  readonly button: ComponentProps<typeof Button<"button">>;
}

/** A button that asks for the reason before it acts. */
function Decision({ slug, title, help, confirm, act, button }: DecisionProps) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const close = () => {
    setAsking(false);
    setReason("");
    decide.reset();
  };
  const decide = useCampaignChange(slug, () => act(reason).then(close));
  return (
    <>
      <Button variant="default" {...button} onClick={() => setAsking(true)} />
      <Modal
        opened={asking}
        onClose={close}
        title={title}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        <Stack gap="sm">
          <Text size="sm">{help}</Text>
          <Textarea
            label={t("decide.reason")}
            description={t("decide.reasonHelp")}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            autosize
            minRows={2}
            required
            data-autofocus
          />
          <ErrorNote error={decide.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {t("app.cancel")}
            </Button>
            <Button
              loading={decide.isPending}
              disabled={reason.trim() === ""}
              onClick={() => decide.mutate()}
            >
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
