import Markdown, { type MarkdownToJSX } from "markdown-to-jsx/react";
import type { ComponentProps } from "react";
import classes from "../styles/formatted.module.css";

const away = { target: "_blank", rel: "noopener noreferrer" };

/** As the server keeps a campaign's own pictures; `pictures.py` says who may see them. */
const OWN = /^picture:(\d{1,15})$/;

/**
 * The campaign's own pictures, to be seen larger on their own page. Those from elsewhere would tell
 * their server who reads what: only their words are shown.
 */
function Picture({ src, alt = "" }: ComponentProps<"img">) {
  const number = OWN.exec(src ?? "")?.[1];
  if (number === undefined) return <em>{alt}</em>;
  const address = `/api/v1/pictures/${number}`;
  return (
    <a href={address} {...away} className={classes.figurePicture}>
      <img src={address} alt={alt} loading="lazy" />
    </a>
  );
}

/** Tags in the text stay text; links that are no links to pages lose their address. */
const OPTIONS: MarkdownToJSX.Options = {
  disableParsingRawHTML: true,
  forceBlock: true,
  overrides: {
    img: Picture,
    a: { props: away },
    // The pane has the page's second heading.
    h1: { component: "h3" },
    h2: { component: "h3" },
    h3: { component: "h4" },
  },
};

/** A person's Markdown, laid out. */
export function Formatted({ text }: { text: string }) {
  return (
    <div className={classes.formatted}>
      <Markdown options={OPTIONS}>{text}</Markdown>
    </div>
  );
}
