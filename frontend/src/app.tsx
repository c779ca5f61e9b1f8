import { Loader, type MantineColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, lazy, Suspense, useLayoutEffect } from "react";
import { BrowserRouter, Route, Routes, useLocation } from "react-router";
import { isPassing } from "./api/errors";
import { Boundary, ErrorNote } from "./components/errors";
import { NotFound, Page } from "./components/page";
import { LogOutFailed } from "./components/stuck";
import { LogOutAnyway } from "./components/unsent";
import { t } from "./i18n";
import { usePreference } from "./preferences/hooks";
import { LogInAgain } from "./screens/login/again";
import { Login } from "./screens/login/login";
import { SessionProvider, useSession } from "./session";
import { theme } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => count < 2 && isPassing(error), staleTime: 1000 },
    mutations: { retry: false },
  },
});

function page<T extends Record<string, ComponentType>>(load: () => Promise<T>, name: keyof T) {
  return lazy(async () => ({ default: (await load())[name] as ComponentType }));
}

const Home = page(() => import("./screens/home/home"), "Home");
const NewCampaign = page(() => import("./screens/home/new"), "NewCampaign");
const CampaignPage = page(() => import("./screens/campaign/campaign"), "CampaignPage");
const ModelPage = page(() => import("./screens/campaign/models/page"), "ModelPage");
const ComparePage = page(() => import("./screens/campaign/models/compare"), "ComparePage");
const WorkstationPage = page(() => import("./screens/workstation/page"), "WorkstationPage");
const TourPage = page(() => import("./screens/tour/page"), "TourPage");
const ReviewPage = page(() => import("./screens/review/review"), "ReviewPage");

/** The choice is one of the preferences: the component library keeps none beside it. */
const followSystem: MantineColorSchemeManager = {
  get: () => "auto",
  set: () => undefined,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => undefined,
};

/** The reading room is always dark; the desk is as its person likes it, or as the system is. */
const READING_ROOM = /^\/(tour|campaigns\/[^/]+\/(read|review))\/?$/;

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <BrowserRouter>
        <Themed />
      </BrowserRouter>
    </QueryClientProvider>
  );
}

function Themed() {
  const chosen = usePreference("scheme");
  const scheme = READING_ROOM.test(useLocation().pathname) ? "dark" : chosen;
  // Before the first paint; the provider sets the same, but after it.
  useLayoutEffect(() => {
    if (scheme !== "auto") document.documentElement.dataset.mantineColorScheme = scheme;
  }, [scheme]);
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={followSystem}
      {...(scheme === "auto" ? {} : { forceColorScheme: scheme })}
    >
      <Boundary>
        <SessionProvider>
          <Pages />
        </SessionProvider>
      </Boundary>
    </MantineProvider>
  );
}

function Pages() {
  const { user, pending, error } = useSession();
  if (pending) return null;
  if (error) return <ErrorNote error={error} onRetry={() => location.reload()} />;
  if (!user) return <Login />;
  return (
    <>
      <Suspense fallback={<Loader m="md" size="sm" type="dots" aria-label={t("app.loading")} />}>
        <Routes>
          <Route path="/" element={<Home />} />
          <Route path="/tour" element={<TourPage />} />
          <Route path="/campaigns/new" element={<NewCampaign />} />
          <Route path="/campaigns/:slug/read" element={<WorkstationPage />} />
          <Route path="/campaigns/:slug/review" element={<ReviewPage />} />
          <Route path="/campaigns/:slug/models/:number" element={<ModelPage />} />
          <Route path="/campaigns/:slug/models/:number/against/:other" element={<ComparePage />} />
          <Route path="/campaigns/:slug/:tab?" element={<CampaignPage />} />
          <Route
            path="*"
            element={
              <Page>
                <NotFound />
              </Page>
            }
          />
        </Routes>
      </Suspense>
      <LogInAgain />
      <LogOutAnyway />
      <LogOutFailed />
    </>
  );
}
