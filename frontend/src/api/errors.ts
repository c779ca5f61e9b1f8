/** What can go wrong on the way to the server, told apart by what the reader should do. */
import { word } from "../i18n";

/** The server answered, and said no. `code` is its machine code. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly detail: unknown = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** No answer came: offline, server away, or a gateway that answers in its place. */
export class NetworkError extends Error {
  constructor(cause?: unknown) {
    super("no answer from the server", { cause });
    this.name = "NetworkError";
  }
}

/** The person stopped it themselves. */
export class Cancelled extends Error {
  constructor() {
    super("cancelled");
    this.name = "Cancelled";
  }
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** Worth trying again as it is: no answer, too many requests, or the server's own fault. */
export function isPassing(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ApiError && (error.status === 429 || error.status >= 500);
}

/**
 * Turn an answer that is not ok into an error, in the words of the page for the codes it knows, else
 * in the server's; a gateway's 502-504 means the server is away.
 */
export function errorFrom(status: number, body: unknown): Error {
  if (status >= 502 && status <= 504) return new NetworkError();
  const told = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof told.code === "string" ? told.code : `http_${status}`;
  const own = word("error.code", code);
  const message = typeof told.message === "string" ? told.message : "";
  return new ApiError(status, code, own === code ? message : own, told.detail ?? null);
}
