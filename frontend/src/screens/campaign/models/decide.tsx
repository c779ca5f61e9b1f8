import { Alert, Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { type ComponentProps, useState } from "react";
import { body, client, type Schemas } from "../../../api/client";
import { ErrorNote } from "../../../components/errors";
import { t } from "../../../i18n";
import { reasonsText } from "./reasons";
import { useCampaignChange } from "./runs";

type Model = Schemas["ModelOutput"];
type Named = Pick<Model, "id" | "number">;
type Decided = Partial<Pick<Model, "state" | "decision">>;

/** What speaks against making a version the champion: that it was refused, and why. */
function against({ state, decision }: Decided): string | null {
  const reasons = reasonsText(decision?.reasons ?? []);
  if (state === "rejected") {
    return decision?.verdict === "reject" ? t("decide.refused", { reasons }) : t("decide.rejected");
  }
  return state === "candidate" && decision?.verdict === "insufficient"
    ? t("decide.undecided", { reasons })
    : null;
}

/** Make a model the champion, after saying why. */
export function Promote(props: { model: Named & Decided; slug: string; size?: string }) {
  const { model, slug, size = "compact-sm" } = props;
  const { number, id } = model;
  return (
    <Decision
      slug={slug}
      title={t("decide.promote", { number })}
      help={t("decide.promoteHelp")}
      warning={against(model)}
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
  /** What speaks against it, told before all else. */
  readonly warning?: string | null;
  readonly confirm: string;
  readonly act: (reason: string) => Promise<Model>;
  readonly button: ComponentProps<typeof Button<"button">>;
}

/** A button that asks for the reason before it acts. */
function Decision({ slug, title, help, warning = null, confirm, act, button }: DecisionProps) {
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
          {warning === null ? null : <Alert color="amber">{warning}</Alert>}
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
