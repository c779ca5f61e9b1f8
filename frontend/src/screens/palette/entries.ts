/** What the palette offers on every page: the ways between pages, and the person's own choices. */
import {
  IconBrightness,
  IconEye,
  IconFolder,
  IconHome,
  IconLanguage,
  IconLogout,
  IconPencil,
  IconPlus,
  IconRoute,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import type { Act } from "../../actions/action";
import { firstKey } from "../../actions/keys";
import type { SheetId } from "../../actions/rooms";
import { act } from "../../actions/rooms";
import type { Schemas } from "../../api/client";
import { campaignsQuery } from "../../api/queries";
import { leaving } from "../../components/leave";
import { english, label, language, languages, t } from "../../i18n";
import { en } from "../../i18n/en";
import { chooseLanguage, preferences } from "../../preferences/preferences";
import { useSession, useUser } from "../../session";
import { useTour } from "../tour/way";
import type { Entry } from "./palette";

/** An act of the list as an entry: its name in both languages, its icon and its key. */
export function entryOf(what: Act, perform: () => void, enabled = true): Entry {
  return {
    id: what.id,
    name: label(what.label),
    english: en[what.label],
    icon: what.icon,
    key: firstKey(what),
    enabled,
    perform,
  };
}

/** The sheets that every room can open, but for the palette itself. */
export function sheetEntries(open: (sheet: SheetId) => void): Entry[] {
  const sheets = ["help", "preferences"] as const;
  return sheets.map((id) => entryOf(act(id), () => open(id)));
}

const SCHEMES = ["auto", "light", "dark"] as const;

function choices(): Entry[] {
  const schemes = SCHEMES.map((scheme): Entry => {
    const key = `preferences.scheme.${scheme}` as const;
    return {
      id: `scheme-${scheme}`,
      name: t("palette.colours", { scheme: t(key) }),
      english: english("palette.colours", { scheme: en[key] }),
      icon: IconBrightness,
      perform: () => preferences.change({ scheme }),
    };
  });
  const tongues = languages
    .filter(({ code }) => code !== language)
    .map(
      ({ code, name }): Entry => ({
        id: `language-${code}`,
        name: t("palette.language", { language: name }),
        english: english("palette.language", { language: code }),
        icon: IconLanguage,
        perform: () => leaving(() => chooseLanguage(code)),
      }),
    );
  return [...tongues, ...schemes];
}

type Go = (address: string) => void;

function campaignEntries(campaign: Schemas["CampaignCard"], go: Go): Entry[] {
  const { slug, name, roles, state, mine } = campaign;
  const address = `/campaigns/${slug}`;
  const ways = [
    { to: address, key: "palette.campaign" as const, icon: IconFolder, may: true },
    {
      to: `${address}/read`,
      key: "palette.read" as const,
      icon: IconPencil,
      may: roles.includes("reader") && state === "open",
    },
    {
      to: `${address}/review`,
      key: "palette.review" as const,
      icon: IconEye,
      may: roles.includes("reviewer") && mine.to_review > 0,
    },
  ];
  return ways
    .filter(({ may }) => may)
    .map(({ to, key, icon }) => ({
      id: `go-${to}`,
      name: t(key, { name }),
      english: english(key, { name }),
      icon,
      perform: () => go(to),
    }));
}

/** The ways from here to everywhere else, as this person may go them. */
export function useWays(): Entry[] {
  const navigate = useNavigate();
  const user = useUser();
  const { logOut } = useSession();
  const campaigns = useQuery({ ...campaignsQuery(), refetchInterval: false }).data ?? [];
  const tour = useTour();
  const go: Go = (address) => leaving(() => void navigate(address));
  const creates = user.is_administrator || campaigns.some((each) => each.roles.includes("manager"));
  const fixed = [
    { key: "home.title" as const, icon: IconHome, may: true, perform: () => go("/") },
    { key: "action.tour" as const, icon: IconRoute, may: true, perform: tour },
    {
      key: "home.new" as const,
      icon: IconPlus,
      may: creates,
      perform: () => go("/campaigns/new"),
    },
    {
      key: "app.signOut" as const,
      icon: IconLogout,
      may: true,
      perform: () => void logOut(),
    },
  ];
  const [home, ...rest] = fixed
    .filter(({ may }) => may)
    .map(
      ({ key, icon, perform }): Entry => ({
        id: key.replaceAll(".", "-"),
        name: label(key),
        english: en[key],
        icon,
        perform,
      }),
    );
  const toCampaigns = campaigns.flatMap((each) => campaignEntries(each, go));
  return [...(home ? [home] : []), ...toCampaigns, ...choices(), ...rest];
}
