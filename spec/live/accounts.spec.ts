/**
 * Who may do what on our own NATS server: every user against every kind of subject, the walls between
 * accounts without any permission, and the limits of an account.
 */
import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { connect, type NatsConnection } from "nats";
import { natsUsers } from "../../nodes/bus/access.ts";
import { credentialsFile, type NatsCredentials, readCredentials } from "../../nodes/bus/credentials.ts";
import { busLimits } from "../../nodes/bus/limits.ts";
import { connectNats, type NatsBus } from "../../nodes/bus/nats.ts";
import { natsServerConfig } from "../../nodes/bus/server-config.ts";
import { createEventStream } from "../../nodes/events/stream.ts";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import {
  freePort,
  isPortFree,
  type RunningServer,
  startServerProcess,
} from "../../nodes/up/server-process.ts";
import { eventStreamName } from "../../protocol/wire/subjects.ts";
import { eventOf, eventsBetween } from "../support/event-stream-contract.ts";
import { connectRaw } from "../support/raw-nats.ts";
import { skip } from "../support/services.ts";
import { rememberingLog } from "../support/wire-world.ts";

const access = { cell: "main", hosts: ["h1", "h2"], projects: ["demo", "other"] };
const everybody = ["controller", "host_h1", "admin", "demo", "other"] as const;
type User = (typeof everybody)[number];
const stream = eventStreamName("main");

/** Who may send to which subject. Whoever may, is answered; everybody else is refused. */
const sending: readonly [subject: string, by: readonly User[]][] = [
  ["novact.v1.main.cmd.demo.instance.list", ["controller", "admin", "demo"]],
  ["novact.v1.main.cmd.demo.instance.i1.get", ["controller", "admin", "demo"]],
  ["novact.v1.main.cmd.other.instance.list", ["controller", "admin", "other"]],
  ["novact.v1.main.cmd.admin.host.list", ["controller", "admin"]],
  ["novact.v1.main.report.h1.heartbeat", ["controller", "host_h1"]],
  ["novact.v1.main.report.h2.heartbeat", ["controller"]],
  ["novact.v1.main.host.h1.ensure", ["controller"]],
  ["$SRV.PING", ["controller", "admin", "demo", "other"]],
  [`$JS.API.STREAM.INFO.${stream}`, ["controller", "admin"]],
  [`$JS.API.STREAM.MSG.GET.${stream}`, ["controller", "admin"]],
  [`$JS.API.STREAM.PURGE.${stream}`, ["controller"]],
  [`$JS.API.CONSUMER.CREATE.${stream}`, ["controller"]],
  [`$JS.API.CONSUMER.CREATE.${stream}.watcher`, ["controller"]],
  [`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.watcher`, ["controller"]],
];

/** Who may listen where. */
const hearing: readonly [pattern: string, by: readonly User[]][] = [
  ["novact.v1.main.evt.demo.>", ["controller", "admin", "demo"]],
  ["novact.v1.main.evt.demo.instance.i1.*", ["controller", "admin", "demo"]],
  ["novact.v1.main.evt.other.>", ["controller", "admin", "other"]],
  ["novact.v1.main.evt.>", ["controller", "admin"]],
  ["novact.v1.main.cmd.demo.>", ["controller"]],
  ["novact.v1.main.host.h1.*", ["controller", "host_h1"]],
  ["novact.v1.main.host.h2.*", ["controller"]],
  ["novact.v1.main.report.>", ["controller"]],
  ["_INBOX_demo.>", ["controller", "demo"]],
  ["_INBOX_admin.>", ["controller", "admin"]],
  ["_INBOX_host_h1.>", ["controller", "host_h1"]],
  ["_INBOX_controller.>", ["controller"]],
  ["_INBOX.>", ["controller"]],
  ["$SRV.>", ["controller"]],
  [">", ["controller"]],
];

describe("the accounts of our own NATS server", function () {
  this.timeout(60_000);
  let directory: string;
  let server: RunningServer;
  let controller: NatsBus;
  let host: NatsBus;
  const connections: NatsConnection[] = [];

  const credentials = (user: string): NatsCredentials => {
    const found = readCredentials(credentialsFile(directory, user));
    if (found === undefined) throw new Error(`there are no credentials for ${user}`);
    return found;
  };
  const as = async (user: string): Promise<NatsConnection> => {
    const { servers, ...rest } = credentials(user);
    const connection = await connect({ servers: [...servers], ...rest, reconnect: false });
    connections.push(connection);
    return connection;
  };
  const outcome = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "answered",
      (error: { code: string }) => error.code,
    );

  before(async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    directory = mkdtempSync(join(tmpdir(), "novact-accounts-"));
    const logFile = join(directory, "nats.log");
    server = await startNatsServer({ directory, port: 0, logFile, access, diesWithUs: true });
    controller = await connectNats({ ...credentials("controller"), name: "spec", log: rememberingLog() });
    // By the library and not by the bus, which answers at the asker's own inbox only: that is nats.spec.ts'.
    for (const pattern of ["novact.v1.main.cmd.>", "novact.v1.main.report.*.*", "$SRV.*"]) {
      controller.connection.subscribe(pattern, {
        queue: "q",
        callback: (_, message) => message.respond("{}"),
      });
    }
    host = await connectNats({ ...credentials("host_h1"), name: "host", log: rememberingLog() });
    host.connection.subscribe("novact.v1.main.host.h1.*", {
      callback: (_, message) => message.respond("{}"),
    });
    await createEventStream({ bus: controller, cell: "main" }).publish(eventsBetween(1, 2));
    await host.connection.flush();
    await controller.connection.flush();
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  });
  after(async () => {
    await Promise.all([controller?.close(), host?.close()]);
    await server?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  for (const user of everybody) {
    it(`let ${user} send what is its own, and nothing else`, async () => {
      const connection = await as(user);
      for (const [subject, by] of sending) {
        const due = by.includes(user) ? "answered" : "PERMISSIONS_VIOLATION";
        expect(await outcome(connection.request(subject, "{}", { timeout: 5_000 })), subject).to.equal(due);
      }
    });

    it(`let ${user} hear what is its own, and nothing else`, async () => {
      const connection = await as(user);
      const refused = new Map<string, string>();
      for (const [pattern] of hearing) {
        connection.subscribe(pattern, { callback: (error) => error && refused.set(pattern, error.code) });
      }
      await connection.flush();
      for (const [pattern, by] of hearing) {
        const due = by.includes(user) ? undefined : "PERMISSIONS_VIOLATION";
        expect(refused.get(pattern), pattern).to.equal(due);
      }
    });
  }

  it("take nobody without credentials, say what to do, and keep the credentials to their owner", async () => {
    const servers = [server.url];
    expect(await outcome(connect({ servers, reconnect: false }))).to.equal("AUTHORIZATION_VIOLATION");
    const error = await connectNats({ servers, name: "spec", log: rememberingLog() }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ reason: "unauthenticated" });
    expect((error as Error).message).to.contain("nobody without user and password");
    for (const user of [...everybody, "host_h2"]) {
      expect(statSync(credentialsFile(directory, user)).mode & 0o777, user).to.equal(0o600);
    }
  });

  it("repeat an event to its project and to operators, and to nobody else", async () => {
    const heard: string[] = [];
    for (const user of ["demo", "other", "admin"]) {
      const connection = await as(user);
      const pattern = `novact.v1.main.evt.${user === "admin" ? "" : `${user}.`}>`;
      connection.subscribe(pattern, { callback: (_, message) => heard.push(`${user} ${message.subject}`) });
      await connection.flush();
    }
    await createEventStream({ bus: controller, cell: "main" }).publish([
      eventOf(3, { id: "i1", event: "accepted" }),
      eventOf(4, { id: "i2", event: "accepted", project: "other" }),
    ]);
    while (heard.length < 4) await connections[0]?.flush();
    await Promise.all(connections.map((connection) => connection.flush()));
    const subject = (project: string, id: string) => `novact.v1.main.evt.${project}.instance.${id}.accepted`;
    expect([...heard].sort()).to.deep.equal([
      `admin ${subject("demo", "i1")}`,
      `admin ${subject("other", "i2")}`,
      `demo ${subject("demo", "i1")}`,
      `other ${subject("other", "i2")}`,
    ]);
  });

  it("say at once that no controller is there", async () => {
    const client = await as("demo");
    const subject = "novact.v1.main.cmd.demo.instance.list";
    const before = await outcome(client.request(subject, "{}", { timeout: 5_000 }));
    await controller.close();
    const after = await outcome(client.request(subject, "{}", { timeout: 20_000 }));
    controller = await connectNats({ ...credentials("controller"), name: "spec", log: rememberingLog() });
    expect([before, after]).to.deep.equal(["answered", "503"]);
  });

  it("give a project so many connections, which keep nobody else out", async () => {
    const { clientConnectionsMax } = busLimits;
    await Promise.all(Array.from({ length: clientConnectionsMax }, () => as("demo")));
    const options = { name: "spec", log: rememberingLog(), connectTimeoutMs: 10 };
    const refused = await connectNats({ ...credentials("demo"), ...options }).catch(
      (thrown: unknown) => thrown,
    );
    expect(refused).to.include({ reason: "notConnected" });
    expect((refused as Error).message).to.contain("too many connections");
    for (const user of ["controller", "host_h1", "host_h2", "admin", "other"]) {
      expect(await outcome(as(user)), user).to.equal("answered");
    }
    await connections.shift()?.close();
    expect(await outcome(as("demo"))).to.equal("answered");
  });

  it("give each connection of a project so many subscriptions", async () => {
    const raw = await connectRaw(server.url, credentials("demo"));
    // The connection's subscription for answers is one of them.
    for (let index = 1; index < busLimits.clientSubscriptionsMax; index += 1) {
      raw.subscribe(`_INBOX_demo.${index}`, () => undefined);
    }
    const subject = "novact.v1.main.cmd.demo.instance.list";
    await raw.request(subject, "{}");
    expect(raw.errors).to.deep.equal([]);
    raw.subscribe("_INBOX_demo.more", () => undefined);
    await raw.request(subject, "{}");
    expect(raw.errors).to.deep.equal(["-ERR 'maximum subscriptions exceeded'"]);
    raw.close();
  });

  it("let no message of a project be as large as a controller's", async () => {
    const { clientPayloadBytesMax, busPayloadBytesMax } = busLimits;
    const bus = await connectNats({ ...credentials("demo"), name: "spec", log: rememberingLog() });
    const body = (length: number) => ({ body: new Uint8Array(length), headers: {} });
    const subject = "novact.v1.main.cmd.demo.instance.list";
    const refused = await bus
      .request(subject, body(clientPayloadBytesMax + 1), 5_000)
      .catch((thrown: unknown) => thrown);
    await bus.close();
    expect(refused).to.include({ reason: "bodyTooLarge" });
    expect(controller.connection.info?.max_payload).to.equal(busPayloadBytesMax);
    const raw = await connectRaw(server.url, credentials("demo"));
    // Refused by its announced length already: the server reads no body of that size.
    raw.write(`PUB ${subject} ${clientPayloadBytesMax + 1}\r\n`);
    while (raw.errors.length === 0) await controller.connection.flush();
    raw.close();
    expect(raw.errors[0]).to.contain("Maximum Payload Violation");
  });
});

describe("the walls between accounts", function () {
  this.timeout(60_000);

  it("let nothing through that is not exported, whatever the users may do", async function () {
    const program = findNatsServer();
    if (program === undefined) return skip(this, "no NATS server is installed (nats-server)");
    const directory = mkdtempSync(join(tmpdir(), "novact-walls-"));
    const port = await freePort();
    const passwords = Object.fromEntries(natsUsers(access).map(({ name }) => [name, name]));
    const files = { storeDirectory: join(directory, "store"), pidFile: join(directory, "pid") };
    const text = natsServerConfig({ access, passwords, port, ...files });
    const bare = text.replaceAll(/, permissions: \{.*\} \}$/gm, " }");
    expect(bare).to.not.contain("permissions");
    writeFileSync(join(directory, "nats.conf"), bare);
    const end = await startBare(program, directory, port);
    try {
      const heard: string[] = [];
      const open = new Map<string, NatsConnection>();
      for (const name of ["controller", "host_h1", "admin", "demo", "other"]) {
        const connection = await connect({ servers: `127.0.0.1:${port}`, user: name, pass: name });
        open.set(name, connection);
        for (const pattern of ["novact.>", "_INBOX_admin.>", "_INBOX_demo.>", "_INBOX_other.>", "secret.>"]) {
          connection.subscribe(pattern, { callback: (_, { subject }) => heard.push(`${name} ${subject}`) });
        }
        await connection.flush();
      }
      const say = async (by: string, subject: string) => {
        heard.length = 0;
        open.get(by)?.publish(subject);
        for (const connection of open.values()) await connection.flush();
        return heard.filter((line) => !line.startsWith(`${by} `)).sort();
      };
      const cell = (subject: string) => [`controller ${subject}`, `host_h1 ${subject}`];
      const own = "novact.v1.main.cmd.demo.instance.list";
      expect(await say("demo", own)).to.deep.equal(cell(own));
      for (const subject of [
        "novact.v1.main.cmd.other.instance.list",
        "novact.v1.main.cmd.admin.host.list",
        "novact.v1.main.evt.other.instance.i1.deleted",
        "novact.v1.main.log.demo.instance.i1.deleted",
        "novact.v1.main.report.h1.heartbeat",
        "_INBOX_other.x",
        "_INBOX_admin.x",
        "secret.x",
      ]) {
        expect(await say("demo", subject), subject).to.deep.equal([]);
      }
      const event = "novact.v1.main.evt.demo.instance.i1.made";
      expect(await say("controller", event)).to.deep.equal([
        `admin ${event}`,
        `demo ${event}`,
        `host_h1 ${event}`,
      ]);
      expect(await say("controller", "_INBOX_demo.x")).to.deep.equal([
        "demo _INBOX_demo.x",
        "host_h1 _INBOX_demo.x",
      ]);
      expect(await say("controller", "secret.x")).to.deep.equal(["host_h1 secret.x"]);
      await Promise.all([...open.values()].map((connection) => connection.close()));
    } finally {
      await end();
      await rm(directory, { recursive: true });
    }
  });
});

/** Starts a server on the configuration in the directory; answers the function that ends it. */
async function startBare(program: string, directory: string, port: number): Promise<() => Promise<void>> {
  const server = await startServerProcess({
    name: "NATS",
    program,
    arguments: ["--config", join(directory, "nats.conf")],
    ownArgument: join(directory, "nats.conf"),
    proofFile: join(directory, "process.json"),
    logFile: join(directory, "nats.log"),
    directory,
    environment: { PATH: process.env.PATH ?? "" },
    diesWithUs: true,
    stopSignal: "SIGTERM",
    killSignal: "SIGKILL",
    ready: async () => !(await isPortFree(port)),
  });
  return server.stop;
}
