import { ActionIcon, Button, Popover, Radio, Slider, Stack, Text, TextInput } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { action } from "../../actions/actions";
import { firstKey } from "../../actions/keys";
import { label, t, tn } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import type { Workstation } from "../../work/workstation";
import { usePick } from "./hooks";
import { RecentCases } from "./recent";

/** Skip on the left, the series in the middle, the one primary act in its corner. */
export function BottomBar({ station }: { station: Workstation }) {
  const { store } = station.reading;
  const ready = usePick(store, (state) => state.work !== null && !state.lost);
  const unsent = usePick(store, (state) => state.unsent);
  const amends = usePick(store, (state) => Boolean(state.work?.amends));
  const submit = action("submit");
  const name = amends ? t("work.saveAmendment") : label(submit.label);
  return (
    <footer className={classes.bar}>
      {amends ? (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          onClick={() => void station.reading.back().catch(() => undefined)}
        >
          {t("work.leaveAmendment")}
        </Button>
      ) : (
        <Skip station={station} enabled={ready} />
      )}
      <RecentCases station={station} />
      <output className={classes.dim}>{unsent > 0 ? tn("work.unsent", unsent) : ""}</output>
      <SeriesSlider station={station} />
      <Button
        size="xs"
        disabled={!ready}
        onClick={() => void station.reading.submit()}
        aria-keyshortcuts="Enter"
        rightSection={<kbd className={classes.onAccent}>{firstKey(submit)}</kbd>}
        aria-label={name}
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
        aria-keyshortcuts="C"
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
        onChange={(value) => station.goTo(value - 1)}
        marks={[{ value: own + 1 }]}
        label={null}
        thumbLabel={t("work.sliceLabel")}
      />
    </div>
  );
}

const REASONS = ["quality", "unsure", "wrong"] as const;

function Skip({ station, enabled }: { station: Workstation; enabled: boolean }) {
  const opened = usePick(station.ui, (ui) => ui.ask === "skip");
  const act = action("skip");
  const close = () => station.ui.set({ ask: null });
  return (
    <Popover
      opened={opened}
      onChange={(open) => !open && close()}
      position="top-start"
      trapFocus
      returnFocus
      withArrow
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={!enabled}
          aria-keyshortcuts="Shift+S"
          onClick={() => (opened ? close() : act.perform(station))}
        >
          {label(act.label)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <SkipForm station={station} onDone={close} />
      </Popover.Dropdown>
    </Popover>
  );
}

function SkipForm({ station, onDone }: { station: Workstation; onDone: () => void }) {
  const [choice, setChoice] = useState<string>("quality");
  const [own, setOwn] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const reason = choice === "other" ? own.trim() : choice;

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setFailed(false);
    try {
      await station.reading.skip(reason);
      onDone();
    } catch {
      setFailed(true);
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="xs" w={260}>
        <Radio.Group label={t("work.skipTitle")} value={choice} onChange={setChoice}>
          <Stack gap={6} mt={6}>
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
        {failed ? (
          <Text size="xs" c="var(--reticle-danger)" role="alert">
            {t("work.skipFailed")}
          </Text>
        ) : null}
        <Button size="xs" type="submit" loading={busy} disabled={reason === ""}>
          {t("work.skipConfirm")}
        </Button>
      </Stack>
    </form>
  );
}
