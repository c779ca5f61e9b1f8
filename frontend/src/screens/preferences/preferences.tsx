import { Button, Input, Modal, NativeSelect, SegmentedControl, Stack } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Confirm } from "../../components/confirm";
import type { SheetProps } from "../../components/later";
import { leaving } from "../../components/leave";
import { type Language, language, languages, t, tn } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import type { Preferences as Chosen } from "../../preferences/kept";
import { chooseLanguage, preferences } from "../../preferences/preferences";

const SCHEMES = ["auto", "light", "dark"] as const satisfies readonly Chosen["scheme"][];
const HANDS = ["right", "left"] as const satisfies readonly Chosen["hand"][];
const BREAKS = [20, 30, 45, 60, 90];

interface Props extends SheetProps {
  readonly onKeys: () => void;
}

/**
 * Everything a person may have their own way, in one place. What is chosen holds at once, but for
 * the language: by a slip the page would speak one that they cannot read.
 */
export function Preferences({ opened, onClose, onKeys }: Props) {
  const scheme = usePreference("scheme");
  const hand = usePreference("hand");
  const changed = Object.keys(usePreference("keys")).length;
  const [tongue, setTongue] = useState<Language>(language);
  const [asking, setAsking] = useState(false);
  const { name } = languages.find(({ code }) => code === tongue)!;
  return (
    <>
      <Modal
        opened={opened}
        onClose={onClose}
        closeOnEscape={!asking}
        title={t("action.preferences")}
        centered
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        <Stack gap="md">
          <Choice
            name={t("app.language")}
            value={language}
            data={languages.map(({ code, name }) => ({ value: code, label: name }))}
            onChange={(value) => {
              setTongue(value as Language);
              setAsking(true);
            }}
          />
          <Choice
            name={t("preferences.scheme")}
            hint={t("preferences.schemeHelp")}
            value={scheme}
            data={SCHEMES.map((value) => ({ value, label: t(`preferences.scheme.${value}`) }))}
            onChange={(value) => preferences.change({ scheme: value as Chosen["scheme"] })}
          />
          <Choice
            name={t("preferences.hand")}
            hint={t("preferences.handHelp")}
            value={hand}
            data={HANDS.map((value) => ({ value, label: t(`preferences.hand.${value}`) }))}
            onChange={(value) => preferences.change({ hand: value as Chosen["hand"] })}
          />
          <Breaks />
          <Input.Wrapper
            labelElement="div"
            label={t("preferences.keys")}
            description={
              changed > 0 ? tn("preferences.changed", changed) : t("preferences.keysHelp")
            }
          >
            <Button variant="default" size="xs" mt={6} onClick={onKeys}>
              {t("preferences.keysOpen")}
            </Button>
          </Input.Wrapper>
        </Stack>
      </Modal>
      <Confirm
        opened={asking}
        title={t("preferences.languageTitle")}
        help={t("preferences.languageHelp", { language: name })}
        act={name}
        harmless
        onClose={() => setAsking(false)}
        onConfirm={() => {
          onClose();
          leaving(() => chooseLanguage(tongue));
        }}
      />
    </>
  );
}

function Choice(props: {
  name: string;
  hint?: ReactNode;
  value: string;
  data: { value: string; label: string }[];
  onChange: (value: string) => void;
}) {
  const { name, hint, value, data, onChange } = props;
  return (
    <Input.Wrapper labelElement="div" label={name} description={hint}>
      <SegmentedControl
        fullWidth
        mt={6}
        aria-label={name}
        value={value}
        data={data}
        onChange={onChange}
      />
    </Input.Wrapper>
  );
}

function Breaks() {
  const breaks = usePreference("breaks");
  const minutes =
    BREAKS.includes(breaks) || breaks === 0 ? BREAKS : [...BREAKS, breaks].sort((a, b) => a - b);
  return (
    <NativeSelect
      label={t("preferences.breaks")}
      description={t("preferences.breaksHelp")}
      value={String(breaks)}
      onChange={(event) => preferences.change({ breaks: Number(event.currentTarget.value) })}
      data={[
        { value: "0", label: t("preferences.breaks.never") },
        ...minutes.map((n) => ({ value: String(n), label: t("preferences.breaks.after", { n }) })),
      ]}
    />
  );
}
