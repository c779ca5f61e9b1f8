import { Badge } from "@mantine/core";
import { IconStarFilled } from "@tabler/icons-react";
import type { Schemas } from "../../../api/client";
import { word } from "../../../i18n";

/** The state of a model: a word, and a star for the champion. */
export function ModelState({ state }: { state: Schemas["ModelState"] }) {
  const champion = state === "champion";
  return (
    <Badge
      variant={champion ? "filled" : "light"}
      color={champion ? "accent" : "gray"}
      tt="none"
      leftSection={champion ? <IconStarFilled size={10} aria-hidden /> : null}
    >
      {word("model", state)}
    </Badge>
  );
}
