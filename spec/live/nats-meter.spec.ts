/**
 * What our own NATS server says of itself for the page for Prometheus: who may ask, that nobody else is let
 * in by it, and that a reader that is too slow is counted.
 */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { connect, type NatsConnection } from "nats";
import { credentialsFile, type NatsCredentials, readCredentials } from "../../nodes/bus/credentials.ts";
import { natsMeterQuestion } from "../../nodes/bus/server-config.ts";
import { NatsMeter } from "../../nodes/up/nats-meter.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { skip } from "../support/services.ts";

const access = { cell: "main", hosts: ["h1"], projects: ["demo"], anonymous: "demo" };

describe("the meter of our own NATS server", function () {
  this.timeout(60_000);
  const directories: string[] = [];
  const servers: NatsServer[] = [];
  const connections: NatsConnection[] = [];
  let server: NatsServer;

  const start = async (metered: boolean) => {
    const directory = mkdtempSync(join(tmpdir(), "novact-nats-meter-"));
    directories.push(directory);
    const logFile = join(directory, "nats.log");
    const started = await startNatsServer({ directory, port: 0, logFile, access, metered });
    servers.push(started);
    return started;
  };
  const as = async ({ servers: urls, ...rest }: NatsCredentials) => {
    const connection = await connect({ servers: [...urls], ...rest, reconnect: false });
    connections.push(connection);
    return connection;
  };
  const credentialsOf = (user: string): NatsCredentials =>
    readCredentials(credentialsFile(directories[0] ?? "", user)) ?? { servers: [] };
  const refusal = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "allowed",
      (error: { code: string }) => error.code,
    );
  const figure = async (meter: NatsMeter, name: string) => {
    const [part] = await meter.parts();
    return part?.measured.find((one) => one.name === name)?.series[0]?.value;
  };

  before(async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    server = await start(true);
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    for (const one of servers) await one.stop();
    for (const one of directories) await rm(one, { recursive: true });
  });

  it("may ask the server for its counters, and neither say nor hear anything else", async () => {
    const meter = await as(server.meterCredentials);
    const answer = await meter.request(natsMeterQuestion);
    expect(answer.json()).to.have.property("data");
    for (const subject of [
      "$SYS.REQ.SERVER.PING.CONNZ",
      "$SYS.REQ.SERVER.PING",
      "novact.v1.main.cmd.demo.x.y",
    ])
      expect(await refusal(meter.request(subject, "", { timeout: 1_000 })), subject).to.equal(
        "PERMISSIONS_VIOLATION",
      );
    const heard: (string | undefined)[] = [];
    for (const subject of [">", "$SYS.>", "novact.>"])
      meter.subscribe(subject, { callback: (error) => heard.push(error?.code) });
    await meter.flush();
    expect(heard).to.deep.equal(Array(3).fill("PERMISSIONS_VIOLATION"));
  });

  it("is the only one who may", async () => {
    for (const user of ["controller", "admin", "host_h1", "demo"]) {
      const other = await as(credentialsOf(user));
      const found = await refusal(other.request(natsMeterQuestion, "", { timeout: 1_000 }));
      expect(found, user).to.be.oneOf(["PERMISSIONS_VIOLATION", "503", "TIMEOUT"]);
    }
  });

  it("is nobody on a server that was started without it", async () => {
    const other = await start(false);
    expect(await refusal(as(other.meterCredentials))).to.equal("AUTHORIZATION_VIOLATION");
    const meter = new NatsMeter(() => other.meterCredentials);
    expect(await figure(meter, "novact_thread_up")).to.equal(0);
    await meter.close();
  });

  it("counts connections, and those that were ended because they did not read", async () => {
    const meter = new NatsMeter(() => server.meterCredentials);
    expect(await figure(meter, "novact_thread_up")).to.equal(1);
    expect(await figure(meter, "novact_nats_slow_consumers_total")).to.equal(0);
    const before = (await figure(meter, "novact_nats_connections")) ?? 0;
    expect(before).to.be.greaterThan(0);
    // This socket is never read: the kernel's buffers fill, and the server's writes stand still.
    const { user, pass } = credentialsOf("controller");
    const slow = dial({ host: "127.0.0.1", port: server.port });
    const closed = new Promise((resolve) => slow.once("close", resolve));
    slow.on("error", () => undefined);
    slow.write(`CONNECT ${JSON.stringify({ verbose: false, user, pass })}\r\nSUB slow 1\r\n`);
    while ((await figure(meter, "novact_nats_connections")) !== before + 1) await sleep(20);
    const sender = await as(credentialsOf("controller"));
    const large = new Uint8Array(4 * 1024 * 1024);
    for (let at = 0; at < 10; at += 1) {
      sender.publish("slow", large);
      await sender.flush();
    }
    while ((await figure(meter, "novact_nats_slow_consumers_total")) !== 1) await sleep(100);
    slow.resume();
    await closed;
    await meter.close();
  });

  it("is not there where there is no server of ours", async () => {
    expect(await new NatsMeter(() => undefined).parts()).to.deep.equal([]);
  });
});
