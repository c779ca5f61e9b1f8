/** The one client of the REST API; its types come from the server's own description. */
import createClient, { type Middleware } from "openapi-fetch";
import { errorFrom, NetworkError } from "./errors";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Assignment = Schemas["AssignmentOutput"];
export type ImageInfo = Schemas["ImageOutput"];
export type Recent = Schemas["RecentOutput"];
export type Series = Schemas["SeriesOutput"];
export type Question = Schemas["QuestionOutput"];
/** Answers to the questions of a whole image, by the question's name. */
export type Findings = NonNullable<Schemas["DraftOutput"]["findings"]>;
export type LabelClass = Schemas["ClassOutput"];
export type User = Schemas["UserOutput"];

/** Listeners told when the server says that nobody is logged in any more. */
const signedOut = new Set<() => void>();

export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

/** The token that proves a request comes from our own page; empty when the cookie is gone. */
export function csrfToken(): string {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

const session: Middleware = {
  onRequest({ request }) {
    if (!["GET", "HEAD"].includes(request.method)) {
      request.headers.set("X-CSRFToken", csrfToken());
    }
    return request;
  },
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return response;
    const body: unknown = await response.json().catch(() => null);
    const error = errorFrom(response.status, body);
    if (response.status === 401 && "code" in error && error.code !== "bad_credentials") {
      for (const listener of signedOut) listener();
    }
    throw error;
  },
  onError({ error }) {
    return new NetworkError(error);
  },
};

// The base and fetch are given so that the client works the same in a browser and under jsdom.
export const client = createClient<paths>({
  baseUrl: location.origin,
  credentials: "same-origin",
  fetch: (request) => globalThis.fetch(request),
});
client.use(session);

/** The body of an answer; errors have been thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** Raw bytes of pixels and masks; the browser undoes the transfer's gzip. */
export async function bytes(url: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", signal: signal ?? null });
    if (response.ok) return await response.arrayBuffer();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new NetworkError(error);
  }
  if (response.status === 401) for (const listener of signedOut) listener();
  throw errorFrom(response.status, await response.json().catch(() => null));
}
