import { useSyncExternalStore } from "react";
import type { Preferences } from "./kept";
import { preferences } from "./preferences";

/** One of the preferences; the component is drawn again when it changes. */
export function usePreference<K extends keyof Preferences>(name: K): Preferences[K] {
  const { store } = preferences;
  return useSyncExternalStore(store.subscribe, () => store.get()[name]);
}
