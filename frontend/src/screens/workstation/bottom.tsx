import { ActionIcon, Button, Group, Radio, Slider, Stack, Text, TextInput } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { action } from "../../actions/actions";
import { firstKey, spokenKey } from "../../actions/keys";
import { label, t, tn } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { BarPopover } from "./popover";
import { RecentCases } from "./recent";
import { Remarks } from "./remarks";

/** Skip on the left, the series in the middle, the one primary act in its corner. */
export function BottomBar({ station, sample }: { station: Workstation; sample: boolean }) {
  const { store } = station.reading;
  const ready = usePick(store, (state) => state.work !== null && !state.lost);
  const undecided = usePick(store, ({ save }) => save.kind === "stale");
  const complete = usePick(station.ui, () => station.slides.complete);
  const unsent = usePick(store, (state) => state.unsent);
  const amends = usePick(store, (state) => Boolean(state.work?.amends));
  const submit = action("submit");
  const name = amends ? t("work.saveAmendment") : label(submit.label);
  return (
    <footer className={classes.bar} data-part="bottom">
      {amends ? (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          onClick={() => {
            if (station.marks.complete()) void station.reading.back().catch(() => undefined);
          }}
        >
          {t("work.leaveAmendment")}
        </Button>
      ) : (
        <Skip station={station} enabled={ready} />
      )}
      <RecentCases station={station} />
      {/* A remark is for others to read: there is nobody to read it here. */}
      {sample ? null : <Remarks station={station} />}
      <output className={classes.dim}>{unsent > 0 ? tn("work.unsent", unsent) : ""}</output>
      <SeriesSlider station={station} />
      <Button
        size="xs"
        disabled={!ready || !complete || undecided}
        // The second click of a double click was not meant for the next case.
        onClick={({ detail }) => detail <= 1 && station.submit()}
        {...spokenKey(submit)}
        rightSection={
          <kbd className={classes.onAccent} aria-hidden>
            {firstKey(submit)}
          </kbd>
        }
      >
        {name}
      </Button>
    </footer>
  );
}

function SeriesSlider({ station }: { station: Workstation }) {
  const frame = usePick(station.ui, (ui) => ui.frame);
  const frames = usePick(station.ui, (ui) => ui.frames);
  const own = usePick(station.ui, (ui) => ui.ownFrame);
  const playing = usePick(station.ui, (ui) => ui.cine);
  const slices = usePick(station.ui, (ui) => ui.slices);
  const labelled = usePick(station.ui, (ui) => ui.labelled);
  // Of a lone image, where it stands; of a series, what has been drawn on.
  const marked = slices > 1 ? labelled : [own];
  if (frames < 2) return <span className={classes.spread} />;
  const cine = action("cine");
  return (
    <div className={classes.series}>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={label(cine.label)}
        aria-pressed={playing}
        {...spokenKey(cine)}
        onClick={() => cine.perform(station)}
      >
        {playing ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
      </ActionIcon>
      <span className={classes.sliceText}>{t("work.slice", { n: frame + 1, of: frames })}</span>
      <Slider
        className={classes.seriesSlider}
        size="xs"
        min={1}
        max={frames}
        value={frame + 1}
        onChange={(value) => station.slides.goTo(value - 1)}
        marks={marked.map((at) => ({ value: at + 1 }))}
        label={null}
        thumbLabel={t("work.sliceLabel")}
      />
    </div>
  );
}

const REASONS = ["quality", "unsure", "wrong"] as const;

function Skip({ station, enabled }: { station: Workstation; enabled: boolean }) {
  return (
    <BarPopover station={station} id="skip" enabled={enabled}>
      {(close) => <SkipForm station={station} onDone={close} />}
    </BarPopover>
  );
}

/** What keeps a case from being skipped. */
type Hindrance = "work.skipWhich" | "work.skipWhy" | "work.skipFailed";

function SkipForm({ station, onDone }: { station: Workstation; onDone: () => void }) {
  const [choice, setChoice] = useState<string | null>(null);
  const [own, setOwn] = useState("");
  const [busy, setBusy] = useState(false);
  const [hindrance, setHindrance] = useState<Hindrance | null>(null);
  const reason = choice === "other" ? own.trim() : choice;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!reason) {
      setHindrance(choice === null ? "work.skipWhich" : "work.skipWhy");
      return;
    }
    if (!station.marks.complete()) return;
    setBusy(true);
    setHindrance(null);
    try {
      await station.reading.skip(reason);
      onDone();
    } catch {
      setHindrance("work.skipFailed");
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="xs" w={260}>
        <Radio.Group
          label={t("work.skipTitle")}
          value={choice}
          onChange={(value) => {
            setChoice(value);
            setHindrance(null);
          }}
        >
          <Stack gap={8} mt={6}>
            {REASONS.map((each) => (
              <Radio key={each} size="xs" value={each} label={t(`work.skip.${each}`)} />
            ))}
            <Radio size="xs" value="other" label={t("work.skip.other")} />
          </Stack>
        </Radio.Group>
        {choice === "other" ? (
          <TextInput
            size="xs"
            aria-label={t("work.skipReason")}
            placeholder={t("work.skipReason")}
            value={own}
            onChange={(event) => setOwn(event.currentTarget.value)}
          />
        ) : null}
        {hindrance ? (
          <Text size="xs" c="var(--reticle-danger)" role="alert">
            {t(hindrance)}
          </Text>
        ) : null}
        <Group gap="xs" justify="flex-end">
          <Button size="xs" variant="default" onClick={onDone}>
            {t("app.cancel")}
          </Button>
          <Button size="xs" type="submit" loading={busy}>
            {t("work.skipConfirm")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
