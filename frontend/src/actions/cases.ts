/** The case, its questions, and what opens over the room. */
import {
  IconBook,
  IconCommand,
  IconHelp,
  IconHistory,
  IconPlayerSkipForward,
  IconSettings,
} from "@tabler/icons-react";
import type { Ui } from "../work/ui";
import type { Workstation } from "../work/workstation";
import { type Action, reading } from "./action";

const asked = (_: Workstation, ui: Ui) => ui.questions.length > 1;

function goThrough(station: Workstation, by: number): void {
  const { question, questions } = station.ui.get();
  station.form.ask((question + by + questions.length) % questions.length);
}

export const cases: readonly Action[] = [
  {
    id: "nextQuestion",
    label: "action.nextQuestion",
    keys: ["u"],
    group: "case",
    enabled: asked,
    perform: (station) => goThrough(station, 1),
  },
  {
    id: "previousQuestion",
    label: "action.previousQuestion",
    keys: ["shift+u"],
    group: "case",
    enabled: asked,
    perform: (station) => goThrough(station, -1),
  },
  {
    id: "submit",
    label: "action.submit",
    keys: ["enter"],
    group: "case",
    enabled: reading,
    perform: (station) => station.submit(),
  },
  {
    id: "skip",
    label: "action.skip",
    icon: IconPlayerSkipForward,
    keys: ["shift+s"],
    group: "case",
    // An answer that is being amended is no longer held: there is nothing to give back.
    enabled: (station) => reading(station) && !station.reading.store.get().work?.amends,
    perform: (station) => station.ui.set({ ask: "skip" }),
  },
  {
    id: "remarks",
    label: "action.remarks",
    keys: ["shift+q"],
    group: "case",
    enabled: reading,
    perform: (station) => station.ui.set({ ask: "remarks" }),
  },
  {
    id: "recent",
    label: "action.recent",
    icon: IconHistory,
    keys: ["shift+b"],
    group: "case",
    enabled: () => true,
    perform: (station) => station.ui.set({ ask: "recent" }),
  },
  {
    id: "cancel",
    label: "action.cancel",
    keys: ["escape"],
    group: "case",
    enabled: () => true,
    perform: (station) => station.cancel(),
  },
  {
    id: "help",
    label: "action.help",
    icon: IconHelp,
    keys: ["?"],
    group: "case",
    enabled: () => true,
    active: (ui) => ui.ask === "help",
    perform: (station) => {
      station.ui.set({ ask: station.ui.get().ask === "help" ? null : "help" });
    },
  },
  {
    id: "palette",
    label: "action.palette",
    icon: IconCommand,
    keys: ["mod+k"],
    group: "case",
    enabled: () => true,
    active: (ui) => ui.ask === "palette",
    perform: (station) => station.ui.set({ ask: "palette" }),
  },
  {
    id: "guideline",
    label: "action.guideline",
    icon: IconBook,
    keys: ["shift+g"],
    group: "case",
    enabled: () => true,
    active: (ui) => ui.guideline,
    perform: (station) => station.ui.set({ guideline: !station.ui.get().guideline }),
  },
  {
    id: "tour",
    label: "action.tour",
    keys: [],
    group: "case",
    enabled: reading,
    perform: (station) => station.ui.set({ ask: "tour" }),
  },
  {
    id: "preferences",
    label: "action.preferences",
    icon: IconSettings,
    keys: ["mod+,"],
    group: "case",
    enabled: () => true,
    active: (ui) => ui.ask === "preferences",
    perform: (station) => station.ui.set({ ask: "preferences" }),
  },
];
