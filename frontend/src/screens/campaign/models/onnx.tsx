import { Button, Group, Loader, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { body, client, type Schemas } from "../../../api/client";
import { onnxQuery } from "../../../api/queries";
import { Hash } from "../../../components/bits";
import { ErrorNote } from "../../../components/errors";
import { decimal, significant, t } from "../../../i18n";
import { reasonText } from "./reasons";

/** The model as one file for other programs, which a worker makes when somebody asks for it. */
export function Onnx({ id }: { id: number }) {
  const queries = useQueryClient();
  const query = onnxQuery(id);
  const { data, error } = useQuery(query);
  const ask = useMutation({
    mutationFn: () => body(client.POST("/api/v1/models/{id}/onnx", { params: { path: { id } } })),
    onSuccess: (found) => queries.setQueryData(query.queryKey, found),
  });
  const file = data?.file ?? null;
  const said = data ? stateText(data) : "";
  return (
    <>
      <ErrorNote error={error ?? ask.error} />
      {data ? (
        <Group gap={said ? "xs" : 0}>
          {file?.file_url ? (
            <Button component="a" href={file.file_url} download size="compact-sm" variant="default">
              {t("onnx.download")}
            </Button>
          ) : data.hindrance || underWay(file) ? null : (
            <Button
              size="compact-sm"
              variant="default"
              loading={ask.isPending}
              onClick={() => ask.mutate()}
            >
              {t(file ? "onnx.again" : "onnx.ask")}
            </Button>
          )}
          {underWay(file) ? <Loader size="xs" aria-hidden /> : null}
          {/* Last: while it says nothing its place is still there, and would push the act aside. */}
          <Text size="sm" role="status">
            {said}
          </Text>
          <Hash value={file?.sha256 ?? ""} />
        </Group>
      ) : null}
    </>
  );
}

function underWay(file: Schemas["OnnxFileOutput"] | null): boolean {
  return file?.state === "queued" || file?.state === "running";
}

/** The power of ten above a difference of rounding: who reads it wants its order alone. */
function powerAbove(difference: number): number {
  return 10 ** (Math.floor(Math.log10(Math.max(difference, 1e-9))) + 1);
}

function stateText({ hindrance, file }: Schemas["OnnxOutput"]): string {
  if (hindrance) return t("onnx.hindrance", { why: reasonText(hindrance) });
  if (!file) return "";
  if (file.state === "failed") {
    return t("onnx.failed", { why: file.reason ? reasonText(file.reason) : "" });
  }
  if (file.state !== "done") return t(`onnx.${file.state}`);
  return t("onnx.done", {
    size: decimal(file.size / 2 ** 20, 1),
    difference: significant(powerAbove(file.difference ?? 0)),
  });
}
