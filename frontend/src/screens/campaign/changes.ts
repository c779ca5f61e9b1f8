/** What a form has changed, so that no more than that is sent. */
import type { Schemas } from "../../api/client";

type Settings = Schemas["CampaignSettings"];
type Changes = Schemas["PatchedCampaignSettingsRequest"];

function changedIn<T extends object>(before: T, now: T): Partial<T> {
  const keys = Object.keys(now) as (keyof T)[];
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
  return Object.fromEntries(changed.map((key) => [key, now[key]])) as Partial<T>;
}

/** The settings that differ, of the training policy too; {} where none does. */
export function settingsChanged(before: Settings, now: Settings): Changes {
  const { training: policyBefore = {}, ...restBefore } = before;
  const { training: policyNow = {}, ...restNow } = now;
  const training = changedIn(policyBefore, policyNow);
  const rest = changedIn(restBefore, restNow);
  return Object.keys(training).length > 0 ? { ...rest, training } : rest;
}

/** Settings as they are after changes to them. */
export function settingsWith(settings: Settings, { training, ...rest }: Changes): Settings {
  return { ...settings, ...rest, training: { ...settings.training, ...training } };
}
