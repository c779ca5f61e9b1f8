import { Loader, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, lazy, Suspense } from "react";
import { BrowserRouter, Route, Routes, useLocation } from "react-router";
import { isPassing } from "./api/errors";
import { Boundary, ErrorNote } from "./components/errors";
import { NotFound, Page } from "./components/page";
import { t } from "./i18n";
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
const WorkstationPage = page(() => import("./screens/workstation/page"), "WorkstationPage");
const ReviewPage = page(() => import("./screens/review/review"), "ReviewPage");

/** The reading room is always dark; the desk follows the system. */
const READING_ROOM = /^\/campaigns\/[^/]+\/(read|review)\/?$/;

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
  const dark = READING_ROOM.test(useLocation().pathname);
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      {...(dark ? { forceColorScheme: "dark" as const } : {})}
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
          <Route path="/campaigns/new" element={<NewCampaign />} />
          <Route path="/campaigns/:slug/read" element={<WorkstationPage />} />
          <Route path="/campaigns/:slug/review" element={<ReviewPage />} />
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
    </>
  );
}
