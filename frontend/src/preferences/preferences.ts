/** The preferences of whoever sits here. `session.tsx` connects them with the server. */
import { type Language, setLanguage } from "../i18n";
import { Kept } from "./kept";

function storage(): Storage | null {
  try {
    return typeof document === "undefined" ? null : localStorage;
  } catch {
    // A browser that blocks storage: the server keeps them all the same.
    return null;
  }
}

export const preferences = new Kept(storage());

if (typeof window !== "undefined") {
  window.addEventListener("online", () => void preferences.flush());
  window.addEventListener("storage", () => preferences.recall());
}

/** The page loads anew to show it; what was not yet sent by then is sent after that. */
export function chooseLanguage(language: Language): void {
  preferences.change({ language });
  setLanguage(language);
}
