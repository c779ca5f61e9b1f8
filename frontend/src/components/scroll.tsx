import { Table } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "../styles/page.module.css";

interface Props {
  readonly label: string;
  readonly minWidth: number;
  readonly maxHeight?: number;
  readonly children: ReactNode;
}

/**
 * A table that may be wider or higher than its place: scrolled by keys as well as by pointer. A
 * shade at an edge says that it goes on there.
 */
export function Scroll({ label, minWidth, maxHeight, children }: Props) {
  return (
    <Table.ScrollContainer
      type="native"
      className={classes.scroll}
      minWidth={minWidth}
      {...(maxHeight === undefined ? {} : { maxHeight })}
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      {children}
    </Table.ScrollContainer>
  );
}
