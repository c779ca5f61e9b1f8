// @vitest-environment jsdom
import { afterEach, expect, it, vi } from "vitest";
import { uploadFiles } from "./upload";

/** A request that waits to be answered by the test. */
class Request {
  static last: Request;
  upload = {};
  status = 0;
  response: unknown = null;
  onload: () => void = () => undefined;
  onerror: () => void = () => undefined;
  onloadend: () => void = () => undefined;
  constructor() {
    Request.last = this;
  }
  open(): void {}
  setRequestHeader(): void {}
  sent: FormData | null = null;
  send(form: FormData): void {
    this.sent = form;
  }
  end(status: number): void {
    this.status = status;
    if (status === 0) this.onerror();
    else this.onload();
    this.onloadend();
  }
}

afterEach(() => vi.unstubAllGlobals());

/** Whether the browser would ask before the window is closed. */
function asks(): boolean {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

it.each([201, 422, 0])(
  "the window is not closed on an upload under way (ends with %i)",
  async (status) => {
    vi.stubGlobal("XMLHttpRequest", Request);
    expect(asks()).toBe(false);
    const sent = uploadFiles("c", [new File(["1"], "1.png")], () => undefined).catch(() => null);
    expect(asks()).toBe(true);
    Request.last.end(status);
    await sent;
    expect(asks()).toBe(false);
  },
);

it("says before the files how many bytes they have, so that one cut short is known", async () => {
  vi.stubGlobal("XMLHttpRequest", Request);
  const sent = uploadFiles(
    "c",
    [new File(["12"], "1.png"), new File(["3"], "2.png")],
    () => undefined,
  );
  const [first, ...rest] = [...Request.last.sent!.entries()];
  expect(first).toEqual(["size", "3"]);
  expect(rest.map(([name]) => name)).toEqual(["files", "files"]);
  Request.last.end(201);
  await sent;
});
