/** What is said beside the drawing: answers to the campaign's questions, classes not looked at. */

import type { Findings } from "../api/client";
import { choose, following, isNone, missing } from "../domain/findings";
import type { Case } from "./case";
import type { Store } from "./store";
import type { Ui } from "./ui";

export class Form {
  constructor(
    private readonly ui: Store<Ui>,
    private readonly work: () => Case | null,
    /** Something else is said now. */
    private readonly changed: () => void,
    /** Another question is at hand; its answers are as they were. */
    private readonly turned: () => void,
  ) {}

  /** Show what a case says already. */
  follow({ findings, unseen }: Case): void {
    this.ui.set({ findings, unseen: new Set(unseen), incomplete: false, question: 0 });
  }

  /** Whether the case may be handed in; if not, the first question that lacks is at hand. */
  complete(): boolean {
    const { questions, findings } = this.ui.get();
    const [first] = missing(questions, findings);
    if (first === undefined) return true;
    this.ui.set({ question: first, incomplete: true, panel: true });
    this.turned();
    return false;
  }

  /** Take a question in hand: the number keys answer it. */
  ask(place: number): void {
    const { questions } = this.ui.get();
    if (!questions[place]) return;
    this.ui.set({ question: place });
    this.turned();
  }

  /**
   * Choose an option of a question, or take it back; then the next unanswered one is at hand.
   * Returns whether there is such an option.
   */
  answer(place: number, choice: number): boolean {
    const { questions, findings } = this.ui.get();
    const question = questions[place];
    const found = question && choose(question, findings, choice);
    if (!question || !found) return false;
    const more = question.kind === "multiple" && !isNone(found[question.name]);
    const next = more ? place : following(questions, found, place);
    this.ui.set({ question: next });
    this.find(found);
    return true;
  }

  /** Answer a question in words. */
  write(place: number, words: string): void {
    const { questions, findings } = this.ui.get();
    const question = questions[place];
    if (question) this.find({ ...findings, [question.name]: words });
  }

  private find(findings: Findings): void {
    const work = this.work();
    if (!work) return;
    work.findings = findings;
    const { incomplete, questions } = this.ui.get();
    this.ui.set({ findings, incomplete: incomplete && missing(questions, findings).length > 0 });
    this.changed();
  }

  /**
   * Say that a class was not looked at, or that it was. One that is drawn has been looked at: it
   * must be cleared first.
   */
  toggleUnseen(label: number): void {
    const work = this.work();
    if (!work) return;
    const unseen = new Set(this.ui.get().unseen);
    if (!unseen.delete(label)) {
      if (work.slices.some((slice) => slice.mask.data.includes(label))) return;
      unseen.add(label);
    }
    this.look(unseen);
  }

  private look(unseen: ReadonlySet<number>): void {
    const work = this.work();
    if (!work) return;
    work.unseen = [...unseen];
    this.ui.set({ unseen });
    this.changed();
  }

  /** What was drawn has been looked at. */
  see(places: readonly number[]): void {
    const { unseen } = this.ui.get();
    const slices = this.work()?.slices ?? [];
    if (unseen.size === 0) return;
    const drawn = (label: number) => places.some((at) => slices[at]?.mask.data.includes(label));
    const left = new Set([...unseen].filter((label) => !drawn(label)));
    if (left.size < unseen.size) this.look(left);
  }
}
