/** The sheets that both the desk and the reading room open; their code comes when it is wanted. */
import { laterSheet } from "../../components/later";

export const PreferencesSheet = laterSheet(async () => (await import("./preferences")).Preferences);
export const KeySheet = laterSheet(async () => (await import("./keys")).Keys);
