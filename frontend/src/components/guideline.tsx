import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";

/** As it was written, where the code that lays it out cannot be fetched. */
function Plain({ text }: { text: string }) {
  return <p style={{ whiteSpace: "pre-wrap" }}>{text}</p>;
}

const Formatted = lazy(() =>
  import("./formatted").then(
    ({ Formatted }) => ({ default: Formatted }),
    () => ({ default: Plain }),
  ),
);

/** A person's Markdown with the campaign's pictures; what lays it out comes when it is wanted. */
export function Guideline({ text, height = 160 }: { text: string; height?: number }) {
  return (
    <Suspense fallback={<Skeleton h={height} />}>
      <Formatted text={text} />
    </Suspense>
  );
}
