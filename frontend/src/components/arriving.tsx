import { Skeleton } from "@mantine/core";
import type { CSSProperties } from "react";
import classes from "../styles/workstation.module.css";

/** In the place of an image that is on its way: its shape, and in words what is waited for. */
export function Arriving({ text, aspect = 1 }: { text: string; aspect?: number }) {
  return (
    <div className={classes.without} role="status">
      {/* Wide for one high: as large as the image will be. */}
      <div className={classes.arriving} style={{ "--aspect": aspect } as CSSProperties}>
        <Skeleton h="100%" radius={0} />
        <span>{text}</span>
      </div>
    </div>
  );
}
