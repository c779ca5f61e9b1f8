/** The tokens of the design as a Mantine theme. Dark is the reading room; light is the desk by day. */
import { createTheme, type MantineColorsTuple } from "@mantine/core";
import { t } from "./i18n";

const accent: MantineColorsTuple = [
  "#E6F5FB",
  "#CBE8F4",
  "#A0D6EA",
  "#74C4DF",
  "#4FB3D9",
  "#2E97BF",
  "#1F7EA3",
  "#176A8B",
  "#105570",
  "#0A4158",
];
const dark: MantineColorsTuple = [
  "#D7DEE6",
  "#B7C1CC",
  "#8A97A5",
  "#667380",
  "#222931",
  "#1A2027",
  "#12161B",
  "#0A0C0F",
  "#07090B",
  "#050607",
];
const amber: MantineColorsTuple = [
  "#FDF4E3",
  "#F9E6C3",
  "#F2D08F",
  "#EABC60",
  "#E0A93B",
  "#BF8820",
  "#96690F",
  "#7A550A",
  "#5F4206",
  "#463003",
];
const danger: MantineColorsTuple = [
  "#FDECED",
  "#F9D3D5",
  "#F2A9AD",
  "#EC868B",
  "#E5636A",
  "#D2434B",
  "#B82F37",
  "#9A252C",
  "#7C1C22",
  "#5F1418",
];
const good: MantineColorsTuple = [
  "#EAF6F0",
  "#CFEADC",
  "#A5D8BE",
  "#80C7A3",
  "#5FB58A",
  "#3F9A6D",
  "#2B7D55",
  "#216745",
  "#185136",
  "#103C27",
];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 4 },
  colors: { accent, dark, amber, danger, good },
  autoContrast: true,
  luminanceThreshold: 0.35,
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  defaultRadius: 6,
  respectReducedMotion: true,
  cursorType: "pointer",
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "22px" }, h2: { fontSize: "16px" }, h3: { fontSize: "14px" } },
  },
  components: {
    Modal: { defaultProps: { transitionProps: { duration: 120 } } },
    // The focus goes to the first item: a menu may hold nothing but items.
    Menu: {
      defaultProps: { transitionProps: { duration: 120 }, withInitialFocusPlaceholder: false },
    },
    ColorInput: { defaultProps: { eyeDropperButtonProps: { "aria-label": t("app.pickColour") } } },
    Tooltip: { defaultProps: { openDelay: 350, transitionProps: { duration: 120 } } },
    Paper: { defaultProps: { withBorder: true } },
  },
});
