/** Who is logged in, for every page; and the log-in in place when the server forgot. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { body, client, csrfToken, onSignedOut, type Schemas, type User } from "./api/client";
import { leaving as leavingPage, letGo } from "./components/leave";
import { setLanguage } from "./i18n";
import { type Unsent, unsentOf } from "./journal/unsent";
import { preferences } from "./preferences/preferences";

preferences.connect((changes) => body(client.PATCH("/api/v1/preferences", { body: changes })));

const sessionKey = ["session"] as const;

interface Session {
  readonly user: User | null;
  readonly pending: boolean;
  readonly error: Error | null;
  /** The server answered 401 while somebody was logged in here. */
  readonly expired: boolean;
  logIn(username: string, password: string): Promise<User>;
  /**
   * Where finished cases wait to be sent, this asks first, unless it is to be done all the same; and
   * where something on the page is not saved.
   */
  logOut(anyway?: boolean): Promise<void>;
  /** What waits to be sent, while the person is asked whether to log out all the same. */
  readonly leaving: readonly Unsent[] | null;
  /** Why the last attempt to log out came to nothing, until the person has been told. */
  readonly stuck: Error | null;
  stay(): void;
}

/** Everywhere that the server tells who is logged in, it tells what they like as well. */
function known(answer: Schemas["SessionOutput"]): Schemas["SessionOutput"] {
  const { user } = answer;
  preferences.adopt(user?.id ?? null, user?.preferences ?? null);
  const { language } = preferences.store.get();
  if (user && language) setLanguage(language);
  return answer;
}

const Context = createContext<Session | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [expired, setExpired] = useState(false);
  const [leaving, setLeaving] = useState<readonly Unsent[] | null>(null);
  const [stuck, setStuck] = useState<Error | null>(null);
  const { data, isPending, error } = useQuery({
    queryKey: sessionKey,
    queryFn: () => body(client.GET("/api/v1/session")).then(known),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const user = data?.user ?? null;

  useEffect(() => onSignedOut(() => setExpired(true)), []);

  const session = useMemo<Session>(
    () => ({
      user,
      pending: isPending,
      error,
      expired: expired && user !== null,
      async logIn(username, password) {
        // Where the cookies were cleared, asking for the session brings the CSRF cookie back.
        if (!csrfToken()) await client.GET("/api/v1/session");
        const answer = await body(client.POST("/api/v1/session", { body: { username, password } }));
        const person = answer.user;
        if (!person) throw new Error("the server logged nobody in");
        // Another person must not go on in this person's page, nor be asked whether to stay there.
        if (user && user.id !== person.id) {
          letGo();
          location.assign("/");
        }
        queries.setQueryData(sessionKey, known(answer));
        setExpired(false);
        await queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
        return person;
      },
      leaving,
      stuck,
      stay() {
        setLeaving(null);
        setStuck(null);
      },
      async logOut(anyway = false) {
        // A journal that cannot be read keeps nobody here.
        const unsent = user && !anyway ? await unsentOf(user.id).catch(() => []) : [];
        setLeaving(unsent.length > 0 ? unsent : null);
        if (unsent.length > 0) return;
        // Asked last: until then the person may still stay, with what is not saved.
        leavingPage(async () => {
          setStuck(null);
          try {
            await client.DELETE("/api/v1/session");
          } catch (failed) {
            setStuck(failed as Error);
            return;
          }
          queries.clear();
          location.assign("/");
        });
      },
    }),
    [user, isPending, error, expired, leaving, stuck, queries],
  );
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession needs a SessionProvider");
  return session;
}

/** The person logged in; only for pages behind the log-in. */
export function useUser(): User {
  const { user } = useSession();
  if (!user) throw new Error("nobody is logged in");
  return user;
}
