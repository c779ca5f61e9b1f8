// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { Link } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryJournal } from "../../journal/journal";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import { showPage, TestServer } from "../test-page";
import { BottomBar } from "./bottom";
import { Notices } from "./notices";
import { BegunRemark, Form } from "./remarks";

let server: FakeServer;
let station: Workstation;

beforeEach(async () => {
  server = new FakeServer(4);
  station = new Workstation(new Reading("c", 7, server, new MemoryJournal()), server);
  await station.reading.start();
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  station.close();
  station.reading.close();
});

const task = () => station.reading.store.get().work?.assignment.task.id;
const begin = (text: string) => station.ui.set({ remark: { text, place: null } });
const asked = () => station.ui.get().ask;
const press = async (name: string | RegExp) =>
  fireEvent.click(await screen.findByRole("button", { name }));

it("a remark that is begun comes up before its case is skipped", async () => {
  new TestServer({});
  showPage(<BottomBar station={station} sample />, "/", "/");
  begin("A vessel?");
  await press(/^Skip/);
  fireEvent.click(await screen.findByLabelText("I am not sure"));
  fireEvent.click(await screen.findByText("Skip this case"));
  await vi.waitFor(() => expect(asked()).toBe("remarks"));
  expect(task()).toBe(1);
  expect(server.rows.get(101)?.state).toBe("held");
}, 20_000);

it("a remark that is begun comes up before an earlier answer is taken up", async () => {
  await station.reading.submit();
  await vi.waitFor(() => expect(server.rows.get(101)?.state).toBe("submitted"));
  new TestServer({});
  showPage(<BottomBar station={station} sample />, "/", "/");
  begin("A vessel?");
  station.ui.set({ ask: "recent" });
  fireEvent.click(await screen.findByText(/^case 1/));
  await vi.waitFor(() => expect(asked()).toBe("remarks"));
  expect(task()).toBe(2);
}, 20_000);

it("a remark that is begun comes up before a lost case is left", async () => {
  showPage(<Notices station={station} />, "/", "/");
  begin("A vessel?");
  station.reading.store.set({ lost: "lease_lost" });
  await press("Take the next case");
  expect(asked()).toBe("remarks");
  expect(task()).toBe(1);
}, 20_000);

it("a remark that is begun is asked about before the room is left by a link", async () => {
  showPage(
    <>
      <Link to="/elsewhere">Elsewhere</Link>
      <BegunRemark station={station} />
    </>,
    "/",
    "/",
  );
  begin("A vessel?");
  fireEvent.click(await screen.findByRole("link", { name: "Elsewhere" }));
  await screen.findByText(/The remark you began has not been sent/);
  expect(screen.queryByText("/elsewhere")).toBeNull();
}, 20_000);

it("what is typed while a remark is sent stays", async () => {
  let answer = (_: object) => {};
  new TestServer({
    "POST /api/v1/assignments/101/remarks": () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  const done = vi.fn();
  const queries = showPage(<Form station={station} assignment={101} onDone={done} />, "/", "/");
  const heard = vi.spyOn(queries, "invalidateQueries");
  begin("A vessel?");
  await press("Send");
  const first = answer;
  await vi.waitFor(() => expect(answer).not.toBe(first));
  begin("A vessel? Or a node?");
  answer({});
  await vi.waitFor(() => expect(heard).toHaveBeenCalled());
  expect(station.ui.get().remark.text).toBe("A vessel? Or a node?");
  expect(done).not.toHaveBeenCalled();
}, 20_000);
