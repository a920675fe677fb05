/**
 * The QMP client against a server that misbehaves in every way that QEMU (or a process that took its socket)
 * can.
 */

import { mkdir } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { qemuLimits } from "../../../nodes/drivers/qemu/limits.ts";
import { QmpConnection, type QmpEvent, type QmpOptions } from "../../../nodes/drivers/qemu/qmp.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

type Answer = (command: { execute: string; id: number }, socket: Socket) => void;

describe("the QMP client", () => {
  let place: TemporaryDirectory;
  let server: Server;
  let path: string;
  const sockets: Socket[] = [];
  const events: QmpEvent[] = [];
  let closed = 0;

  const line = (socket: Socket, message: object) => socket.write(`${JSON.stringify(message)}\r\n`);
  const good: Answer = ({ id }, socket) => line(socket, { return: {}, id });

  const listen = async (greeting: string | undefined, answer: Answer = good): Promise<void> => {
    server = createServer((socket) => {
      sockets.push(socket);
      if (greeting !== undefined) socket.write(greeting);
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString();
        for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
          const command: { execute: string; id: number } = JSON.parse(text.slice(0, end));
          text = text.slice(end + 1);
          if (command.execute === "qmp_capabilities") good(command, socket);
          else answer(command, socket);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  };
  const greeting = '{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n';
  const open = (more: Partial<QmpOptions> = {}) =>
    QmpConnection.open(path, {
      ...{ clock: systemClock, log: silentLog, greetingTimeoutMs: 200 },
      onEvent: (event) => events.push(event),
      onClose: () => {
        closed += 1;
      },
      ...more,
    });
  const nameOf = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "none",
      (error: unknown) => (error instanceof Error ? error.name : "odd"),
    );

  beforeEach(async () => {
    place = await temporaryDirectory();
    path = join(place.path, "qmp");
    sockets.length = 0;
    events.length = 0;
    closed = 0;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    await place.remove();
  });

  it("greets, asks, and hears events between the answers, however the bytes are cut", async () => {
    const bytes = (id: number) =>
      `{"event":"STOP","timestamp":{}}\r\n{"return":{"status":"paused"},"id":${id}}\r\n` +
      `{"event":"RESET","data":{"guest":true}}\r\n`;
    await listen(greeting, ({ id }, socket) => {
      for (const byte of bytes(id)) socket.write(byte);
    });
    const qmp = await open();
    expect(await qmp.execute("query-status")).to.deep.equal({ status: "paused" });
    while (events.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(events).to.deep.equal([
      { name: "STOP", data: {} },
      { name: "RESET", data: { guest: true } },
    ]);
    qmp.close();
  });

  it("matches answers to commands, whatever their order", async () => {
    const waiting: number[] = [];
    await listen(greeting, ({ id }, socket) => {
      waiting.push(id);
      if (waiting.length === 2) for (const one of waiting.reverse()) line(socket, { return: one, id: one });
    });
    const qmp = await open();
    const [first, second] = await Promise.all([qmp.execute("a"), qmp.execute("b")]);
    expect(Number(second)).to.equal(Number(first) + 1);
    qmp.close();
  });

  it("tells a refusal from silence", async () => {
    await listen(greeting, ({ id }, socket) =>
      line(socket, { error: { class: "GenericError", desc: "no" }, id }),
    );
    const qmp = await open();
    expect(await nameOf(qmp.execute("cont"))).to.equal("QmpRefusal");
    qmp.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await nameOf(qmp.execute("cont"))).to.equal("QmpSilence");
  });

  it("gives up on a socket that never greets, as a second client's does not", async () => {
    await listen(undefined);
    expect(await nameOf(open())).to.equal("QmpSilence");
  });

  it("gives up on a socket that talks nonsense, and on a line without an end", async () => {
    await listen("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await nameOf(open())).to.equal("QmpSilence");
    await new Promise((resolve) => server.close(resolve));
    await listen("x".repeat(qemuLimits.qmpLineBytesMax + 1));
    expect(await nameOf(open({ greetingTimeoutMs: 5_000 }))).to.equal("QmpSilence");
  });

  it("fails what waits when the connection ends, and says so once", async () => {
    await listen(greeting, (_command, socket) => socket.destroy());
    const qmp = await open();
    expect(await nameOf(Promise.all([qmp.execute("a"), qmp.execute("b")]))).to.equal("QmpSilence");
    qmp.close();
    expect(closed).to.equal(1);
    expect(qmp.closed).to.equal(true);
  });

  it("stops waiting when it is called off", async () => {
    await listen(greeting, () => undefined);
    const abort = new AbortController();
    const qmp = await open();
    const asking = qmp.execute("stop", {}, abort.signal);
    abort.abort();
    expect(await nameOf(asking)).to.equal("AbortError");
    expect(await nameOf(qmp.execute("stop", {}, abort.signal))).to.equal("AbortError");
    qmp.close();
    expect(await nameOf(open({ signal: abort.signal }))).to.equal("AbortError");
  });

  it("says who is not there", async () => {
    await listen(greeting);
    const missing = await QmpConnection.open(join(place.path, "other"), {
      ...{ clock: systemClock, log: silentLog, onEvent: () => undefined, onClose: () => undefined },
    }).catch((error: unknown) => error);
    expect(missing).to.have.property("code", "ENOENT");
  });

  it("reaches a socket whose path is longer than an address can be", async () => {
    const deep = join(place.path, "d".repeat(120));
    await mkdir(deep);
    // The server binds by a short path; the client gets the long one.
    const from = process.cwd();
    process.chdir(deep);
    path = "qmp";
    try {
      await listen(greeting);
    } finally {
      process.chdir(from);
    }
    path = join(deep, "qmp");
    const qmp = await open();
    expect(await qmp.execute("query-status")).to.deep.equal({});
    qmp.close();
  });
});
