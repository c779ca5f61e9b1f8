// The JavaScript that each route loads, gzipped, and how much of it is not the UI kit. Builds the
// front end in memory; run with the folder `frontend` as the working directory.
import { gzipSync } from "node:zlib";
import { build } from "vite";

const ROUTES = {
  login: "screens/login/login.tsx",
  home: "screens/home/home.tsx",
  "new campaign": "screens/home/new.tsx",
  campaign: "screens/campaign/campaign.tsx",
  model: "screens/campaign/models/page.tsx",
  compare: "screens/campaign/models/compare.tsx",
  workstation: "screens/workstation/page.tsx",
  review: "screens/review/review.tsx",
};
const KIT =
  /node_modules\/(@mantine|@floating-ui|@tabler|@tanstack|react|react-dom|react-router|scheduler|openapi-fetch|clsx|react-remove-scroll|react-remove-scroll-bar|react-style-singleton|use-callback-ref|use-sidecar|get-nonce|react-number-format|react-textarea-autosize|use-composed-ref|use-isomorphic-layout-effect|use-latest|cookie|set-cookie-parser|tabbable|aria-hidden|detect-node-es|tslib|@babel)\//;

const { output } = await build({ logLevel: "silent", build: { write: false } });
const chunks = new Map(output.filter((each) => each.type === "chunk").map((c) => [c.fileName, c]));

function closure(names, into = new Set()) {
  for (const name of names) {
    if (into.has(name) || !chunks.has(name)) continue;
    into.add(name);
    closure(chunks.get(name).imports, into);
  }
  return into;
}

/** Gzipped bytes of a chunk, split by the share of its modules that are the kit's. */
function weigh(chunk) {
  const total = gzipSync(chunk.code, { level: 9 }).length;
  let [own, all] = [0, 0];
  for (const [id, { renderedLength }] of Object.entries(chunk.modules)) {
    all += renderedLength;
    if (!KIT.test(id)) own += renderedLength;
  }
  return { total, own: all ? (total * own) / all : total };
}

const entry = [...chunks.values()].find((chunk) => chunk.isEntry).fileName;
const found = Object.entries(ROUTES).map(([name, file]) => {
  const page = [...chunks.values()].find((chunk) =>
    Object.keys(chunk.modules).some((id) => id.endsWith(file)),
  );
  const weights = [...closure([entry, page.fileName])].map((each) => weigh(chunks.get(each)));
  const sum = (key) => Math.round(weights.reduce((all, each) => all + each[key], 0));
  return { name, total: sum("total"), own: sum("own") };
});
console.log(JSON.stringify(found));
