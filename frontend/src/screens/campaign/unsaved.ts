import { useEffect } from "react";
import type { TabProps } from "./campaign";

/** Tell the campaign's page while a form on one of its tabs waits to be saved. */
export function useUnsaved(unsaved: boolean, onUnsaved: TabProps["onUnsaved"]): void {
  useEffect(() => (unsaved ? onUnsaved?.() : undefined), [unsaved, onUnsaved]);
}
