import { ActionIcon, Checkbox, Slider, Tooltip } from "@mantine/core";
import {
  IconAdjustmentsHorizontal,
  IconEyeOff,
  IconPhoto,
  IconPhotoOff,
  IconSquare,
  IconSquareFilled,
} from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { spokenKey } from "../../actions/keys";
import { act } from "../../actions/rooms";
import type { LabelClass } from "../../api/client";
import { percent, t } from "../../i18n";
import classes from "../../styles/workstation.module.css";
import { LOOKS, type Look, overMap, type Strengths } from "../../viewer/palette";

type Shown = Pick<LabelClass, "index" | "name" | "colour">;

const ICONS = { filled: IconSquareFilled, outlined: IconSquare, hidden: IconEyeOff } as const;

interface Props {
  readonly image: boolean;
  readonly look: Look;
  /** Whether a map lies under the labels. */
  readonly mapped?: boolean;
  readonly opacity: number;
  readonly list: readonly Shown[];
  readonly unshown: ReadonlySet<number>;
  readonly strengths: Strengths;
  readonly onImage: (image: boolean) => void;
  readonly onLook: (look: Look) => void;
  readonly onOpacity: (opacity: number) => void;
  /** Take a class out of sight, or show it again. */
  readonly onClass: (label: number) => void;
  readonly onStrength: (label: number, strength: number) => void;
}

/** How the image and the labels over it are shown; labels also by class. */
export function ImageAndLabels(props: Props) {
  const { image, look, mapped = false, opacity, onImage, onLook, onOpacity } = props;
  const shown = mapped ? overMap(look) : look;
  const [each, setEach] = useState(false);
  return (
    <>
      <div className={classes.layer}>
        <h2>{t("work.layers")}</h2>
        <Toggle name={t("work.eachClass")} pressed={each} onClick={() => setEach(!each)}>
          <IconAdjustmentsHorizontal size={16} />
        </Toggle>
        <Toggle
          name={t("work.image")}
          pressed={image}
          keys={spokenKey(act("image"))}
          onClick={() => onImage(!image)}
        >
          {image ? <IconPhoto size={16} /> : <IconPhotoOff size={16} />}
        </Toggle>
      </div>
      <div className={classes.layer}>
        <span>{t("work.labels")}</span>
        <span className={classes.dim}>{percent(opacity)}</span>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
        <span role="group" aria-label={t("work.look")} {...spokenKey(act("labels"))}>
          {LOOKS.map((each) => {
            const Icon = ICONS[each];
            const off = mapped && overMap(each) !== each;
            return (
              <Toggle
                key={each}
                name={t(off ? "work.look.notOverMap" : `work.look.${each}`)}
                pressed={shown === each}
                off={off}
                onClick={() => onLook(each)}
              >
                <Icon size={16} />
              </Toggle>
            );
          })}
        </span>
      </div>
      <Slider
        size="xs"
        mt={8}
        min={0}
        max={100}
        value={Math.round(opacity * 100)}
        onChange={(value) => onOpacity(value / 100)}
        label={null}
        thumbLabel={t("work.opacity")}
        mb={6}
      />
      {each ? <EachClass {...props} /> : null}
    </>
  );
}

/** A small button with a state, named where the pointer rests on it. */
function Toggle(props: {
  name: string;
  pressed: boolean;
  /** Whether it cannot be pressed now; its name says why. */
  off?: boolean;
  keys?: ReturnType<typeof spokenKey>;
  onClick: () => void;
  children: ReactNode;
}) {
  const { name, pressed, off = false, keys, onClick, children } = props;
  return (
    <Tooltip label={name}>
      <ActionIcon
        size={24}
        variant={pressed ? "light" : "subtle"}
        color={pressed ? "accent" : "gray"}
        aria-label={name}
        aria-pressed={pressed}
        // One that is switched off in earnest would not show its name.
        data-disabled={off}
        aria-disabled={off}
        {...keys}
        onClick={() => off || onClick()}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** Each class by itself: whether it is shown, and how strongly. */
function EachClass({ list, unshown, strengths, onClass, onStrength }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own
    <div className={classes.eachClass} role="group" aria-label={t("work.eachClass")}>
      {list.map(({ index, name, colour }) => {
        const strength = strengths.get(index) ?? 1;
        return (
          <div key={index}>
            <Checkbox
              size="xs"
              label={name}
              color={colour}
              styles={{ input: { borderColor: colour } }}
              checked={!unshown.has(index)}
              onChange={() => onClass(index)}
            />
            <Slider
              size="xs"
              min={10}
              max={100}
              step={5}
              disabled={unshown.has(index)}
              value={Math.round(strength * 100)}
              onChange={(value) => onStrength(index, value / 100)}
              label={null}
              thumbLabel={t("work.classOpacity", { name })}
            />
            <span className={classes.dim} style={{ textAlign: "right" }}>
              {percent(strength)}
            </span>
          </div>
        );
      })}
    </div>
  );
}
