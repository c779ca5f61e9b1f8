/** Why a model was taken or not, in the page's language. */
import type { Schemas } from "../../../api/client";
import { decimal, list, number, t, word } from "../../../i18n";

type Value = string | number;

const COUNTS = new Set(["cases", "labels", "times"]);
const GROUPS = ["sex", "age_band", "site", "scanner", "modality"] as const;

/** The name of a subgroup of patients; attributes beyond the usual ones stay as they are. */
export function groupName({ attribute, value }: { attribute: string; value: string }): string {
  const known = GROUPS.find((name) => name === attribute);
  const shown = known === "sex" ? word("sex", value) : value;
  return known ? t(`subgroups.${known}`, { value: shown }) : `${attribute} ${value}`;
}

/** In the words of the page where it knows the code, else the server's sentence. */
export function reasonText({ text, code, values }: Schemas["ReasonOutput"]): string {
  const own = word("reason.code", code, shown(values as Record<string, Value>));
  return own === code ? text : own;
}

/** All reasons as the clauses of one sentence. */
export function reasonsText(reasons: readonly Schemas["ReasonOutput"][]): string {
  const texts = reasons.map(reasonText);
  return texts.reduce((one, other) => (one ? t("app.clauses", { one, other }) : other), "");
}

/** Values as a sentence shows them: measures with three decimals, what has a name by its name. */
function shown(values: Record<string, Value>): Record<string, Value> {
  const found: Record<string, Value> = {};
  for (const [name, value] of Object.entries(values)) {
    if (name === "parts") found[name] = list(String(value).split(", "));
    else found[name] = typeof value === "string" || name === "number" ? value : figure(name, value);
  }
  const { attribute, value } = values;
  if (attribute !== undefined) {
    found.group = groupName({ attribute: String(attribute), value: String(value) });
  }
  return found;
}

function figure(name: string, value: number): string {
  return COUNTS.has(name) ? number(value) : decimal(value, 3);
}
