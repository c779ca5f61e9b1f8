import { Alert, Button, Center, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";
import { ApiError, NetworkError } from "../api/errors";
import { t } from "../i18n";

/** What happened, what is safe, what to do: one sentence for any error. */
export function errorText(error: unknown): string {
  if (error instanceof NetworkError) return t("error.network");
  if (error instanceof ApiError) {
    // The fields at fault and what is wrong with each stand in the answer, in the server's words.
    if (error.code === "invalid") return fieldErrors(error) || error.message;
    if (error.code === "bad_config") return `${error.message} ${fieldErrors(error)}`.trim();
    if (error.message) return error.message;
    if (error.status === 403) return t("error.forbidden");
  }
  return t("error.server");
}

function fieldErrors(error: ApiError): string {
  if (typeof error.detail !== "object" || error.detail === null) return "";
  return Object.entries(error.detail)
    .map(([field, told]) => t("error.field", { field, message: flat(told) }))
    .join(" ");
}

function flat(told: unknown): string {
  if (Array.isArray(told)) return told.map(flat).join(" ");
  if (typeof told === "object" && told !== null) return Object.values(told).map(flat).join(" ");
  return String(told);
}

interface ErrorNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  /** The way to what mends it. */
  readonly way?: ReactNode;
}

export function ErrorNote({ error, onRetry, way }: ErrorNoteProps) {
  if (!error) return null;
  return (
    <Alert
      color="danger"
      icon={<IconAlertTriangle size={18} />}
      role="alert"
      styles={{ wrapper: { alignItems: "center" }, icon: { marginTop: 0 } }}
    >
      <Group gap="xs">
        <span>{errorText(error)}</span>
        {onRetry ? (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            {t("app.retry")}
          </Button>
        ) : null}
        {way}
      </Group>
    </Alert>
  );
}

/** A page that broke says so, and that the drawing is kept. */
export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <Center h="100%" p="xl">
        <Stack align="center" maw={420}>
          <IconAlertTriangle size={32} />
          <Text ta="center">{t("app.broken")}</Text>
          <Button onClick={() => location.reload()}>{t("app.reload")}</Button>
        </Stack>
      </Center>
    );
  }
}
