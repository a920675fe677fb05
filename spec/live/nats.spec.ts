/** The bus on a real NATS server, also when that server goes away. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { expect } from "chai";
import { credentialsFile, readCredentials } from "../../nodes/bus/credentials.ts";
import { connectNats, type NatsBus } from "../../nodes/bus/nats.ts";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import type { RunningServer } from "../../nodes/up/server-process.ts";
import { admissionLimits } from "../../protocol/limits/admission.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { busContract } from "../support/bus-contract.ts";
import { natsUrl, skip } from "../support/services.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

const open: NatsBus[] = [];
const connected = async (
  ...[options]: [Omit<Parameters<typeof connectNats>[0], "name" | "log"> & { noted?: Noted[] }]
) => {
  const bus = await connectNats({ name: "spec", log: rememberingLog(options.noted), ...options });
  open.push(bus);
  return bus;
};
const text = (body: string): BusMessage => ({ body: Buffer.from(body), headers: {} });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );

after(async () => {
  await Promise.all(open.map((bus) => bus.close()));
});

busContract("NATS", async function () {
  this.timeout(30_000);
  const servers = [await natsUrl(this)];
  const [bus, other] = await Promise.all([connected({ servers }), connected({ servers })]);
  return {
    bus,
    other,
    async passing(ms) {
      await Promise.all([bus.connection.flush(), other.connection.flush()]);
      await elapse(Math.min(ms, 250));
    },
  };
});

describe("the bus on NATS", function () {
  this.timeout(60_000);

  it("says that nobody is there, within the time it was given", async () => {
    const error = await failure(connected({ servers: ["nats://127.0.0.1:1"], connectTimeoutMs: 600 }));
    expect(error).to.include({ reason: "notConnected" });
  });

  it("ends a subscription only when the server knows of the one that takes its place", async function () {
    const { port, hostname } = new URL(await natsUrl(this));
    let said = "";
    const between = createServer((client) => {
      const server = connect(Number(port), hostname);
      client.on("data", (bytes) => {
        said += bytes.toString();
      });
      client.pipe(server).pipe(client);
      for (const end of [client, server]) end.on("error", () => undefined);
    });
    await once(between.listen(0, "127.0.0.1"), "listening");
    const { port: own } = between.address() as AddressInfo;
    const bus = await connected({ servers: [`nats://127.0.0.1:${own}`] });
    const before = bus.serve("exchanged.>", "queue", async () => undefined);
    await bus.connection.flush();
    said = "";
    bus.serve("exchanged.a.>", "queue", async () => undefined);
    await before.drain();
    await bus.close();
    between.close();
    expect(said.match(/\b(UNSUB|SUB|PING)\b/g)?.slice(0, 3)).to.deep.equal(["SUB", "PING", "UNSUB"]);
  });

  it("serves on after a handler that throws at once, and logs it", async function () {
    const noted: Noted[] = [];
    const servers = [await natsUrl(this)];
    const bus = await connected({ servers, noted });
    let calls = 0;
    bus.serve("spec.throws", undefined, () => {
      calls += 1;
      if (calls === 1) throw new Error("at once");
      return Promise.resolve(text("well"));
    });
    const first = await failure(bus.request("spec.throws", text(""), 300));
    expect(first).to.include({ reason: "timeout" });
    expect(Buffer.from((await bus.request("spec.throws", text(""), 1_000)).body).toString()).to.equal("well");
    expect(noted.map(({ message }) => message)).to.include("an answer could not be sent");
  });

  it("answers with an error when an answer is larger than the server lets pass", async function () {
    const bus = await connected({ servers: [await natsUrl(this)] });
    const max = bus.connection.info?.max_payload ?? 0;
    bus.serve("spec.large", undefined, async () => ({ body: new Uint8Array(max + 1), headers: {} }));
    const answer = await bus.request("spec.large", text(""), 2_000);
    expect(answer.headers).to.include({ "Novact-Reason": "answerTooLarge" });
    const tooLarge = { body: new Uint8Array(max + 1), headers: {} };
    expect(await failure(bus.request("spec.large", tooLarge, 2_000))).to.include({ reason: "bodyTooLarge" });
  });

  describe("when the server goes and comes back", () => {
    let directory = "";
    let server: RunningServer | undefined;
    const access = { cell: "main", hosts: ["h1"], projects: ["demo", "other"] };
    const start = (port: number) =>
      startNatsServer({ directory, port, logFile: join(directory, "log"), access, diesWithUs: true });
    const as = (user: string, noted?: Noted[]) => {
      const credentials = readCredentials(credentialsFile(directory, user));
      if (credentials === undefined) throw new Error(`no credentials for ${user}`);
      return connected({ ...credentials, ...(noted === undefined ? {} : { noted }) });
    };

    before(async function () {
      if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
      directory = await mkdtemp(join(tmpdir(), "novact-nats-"));
      server = await start(0);
    });
    after(async () => {
      await server?.stop();
      await rm(directory, { recursive: true, force: true });
    });

    it("refuses wrong credentials at once", async () => {
      const servers = [server?.url ?? ""];
      expect(await failure(connected({ servers, user: "demo", pass: "wrong" }))).to.include({
        reason: "unauthenticated",
      });
    });

    it("says that a subject is forbidden, without waiting for the time-out", async () => {
      const bus = await as("demo");
      const startedMs = performance.now();
      const error = await failure(bus.request("novact.v1.main.cmd.other.thing.make", text(""), 20_000));
      expect(error).to.include({ code: "PERMISSION_DENIED", reason: "projectMismatch" });
      expect(performance.now() - startedMs).to.be.lessThan(2_000);
    });

    it("speaks for nobody: an answer goes to the asker's inbox, or nothing is done", async () => {
      const noted: Noted[] = [];
      const [serving, asking, listening] = await Promise.all([
        as("controller", noted),
        as("demo"),
        as("admin"),
      ]);
      let calls = 0;
      const served = serving.serve("novact.v1.main.cmd.demo.deputy.make", undefined, async () => {
        calls += 1;
        return text("{}");
      });
      const heard: string[] = [];
      listening.connection.subscribe("novact.v1.main.evt.*.*.*.*", {
        callback: (_, message) => heard.push(message.subject),
      });
      await Promise.all([serving.connection.flush(), listening.connection.flush()]);
      const forged = "novact.v1.main.evt.other.instance.i1.deleted";
      const purge = "$JS.API.STREAM.PURGE.NOVACT_main_EVENTS";
      const inboxes = ["_INBOX_other.x", "_INBOX_controller.x.1", "_INBOX_host_h1.x.1"];
      for (let round = 0; round < admissionLimits.linesOfOneKindMax; round += 1)
        for (const reply of [forged, purge, "_INBOX", "_R_.x.y", ...inboxes]) {
          asking.connection.publish("novact.v1.main.cmd.demo.deputy.make", "{}", { reply });
        }
      await asking.request("novact.v1.main.cmd.demo.deputy.make", text("{}"), 2_000);
      await listening.connection.flush();
      expect(heard).to.deep.equal([]);
      expect(calls).to.equal(1);
      expect(noted, "so many lines a period").to.have.length(admissionLimits.linesOfOneKindMax);
      await served.drain();
    });

    it("answers a host's report at that host's inbox only: a controller's is another's answer", async () => {
      const [serving, host] = await Promise.all([as("controller"), as("host_h1")]);
      let calls = 0;
      const served = serving.serve("novact.v1.main.report.*.*", undefined, async () => {
        calls += 1;
        return text("{}");
      });
      const heard: string[] = [];
      serving.connection.subscribe("_INBOX_controller.victim.*", {
        callback: (_, { subject }) => heard.push(subject),
      });
      await serving.connection.flush();
      for (const reply of ["_INBOX_controller.victim.1", "_INBOX_host_h2.x.1", "_INBOX.x.1"]) {
        host.connection.publish("novact.v1.main.report.h1.heartbeat", "{}", { reply });
      }
      await host.request("novact.v1.main.report.h1.heartbeat", text("{}"), 2_000);
      await serving.connection.flush();
      expect(heard).to.deep.equal([]);
      expect(calls).to.equal(1);
      await served.drain();
    });

    it("speaks for many hosts by one connection of a controller, each at its own inbox", async () => {
      const serving = await as("controller");
      const credentials = readCredentials(credentialsFile(directory, "controller"));
      const inboxPrefixFor = (subject: string) => `_INBOX_host_${subject.split(".")[4]}`;
      const speaking = await connected({ ...(credentials ?? { servers: [] }), inboxPrefixFor });
      const served = serving.serve("novact.v1.main.report.*.*", undefined, async (subject) => text(subject));
      await serving.connection.flush();
      const answers = ["h1", "h7"].map(async (id) => {
        const { body } = await speaking.request(`novact.v1.main.report.${id}.heartbeat`, text("{}"), 2_000);
        return Buffer.from(body).toString().split(".")[4];
      });
      expect(await Promise.all(answers)).to.deep.equal(["h1", "h7"]);
      await served.drain();
    });

    it("ends what waits, refuses what comes meanwhile, and serves and asks again afterwards", async () => {
      const [serving, asking] = await Promise.all([as("controller"), as("demo")]);
      const subject = "novact.v1.main.cmd.demo.thing.make";
      let hang = true;
      serving.serve("novact.v1.main.cmd.>", "q", () =>
        hang ? new Promise(() => undefined) : Promise.resolve(text("back")),
      );
      // Flushes that connection: only then does the server know the subscription.
      await serving.connection.flush();
      const waiting = failure(asking.request(subject, text(""), 60_000));
      await elapse(100);
      const port = server?.port ?? 0;
      const startedMs = performance.now();
      await server?.stop();
      expect(await waiting).to.include({ reason: "timeout" });
      expect(await failure(asking.request(subject, text(""), 60_000))).to.include({ reason: "notConnected" });
      expect(performance.now() - startedMs).to.be.lessThan(15_000);
      hang = false;
      server = await start(port);
      const deadlineMs = performance.now() + 10_000;
      let answer: unknown;
      while (performance.now() < deadlineMs) {
        answer = await asking.request(subject, text(""), 1_000).catch((error: unknown) => error);
        if (!(answer instanceof Error)) break;
        await elapse(50);
      }
      expect(answer).to.have.property("body");
    });
  });
});
