/** A whole cluster as clients see it: a client in C, a malicious client by hand, and the SDK. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { encode } from "@msgpack/msgpack";
import { expect } from "chai";
import { hostUser, inboxPrefixOf } from "../../nodes/bus/users.ts";
import { connect, type Event } from "../../nodes/sdk/sdk.ts";
import { admissionLimits } from "../../protocol/limits/admission.ts";
import { until } from "../support/asking.ts";
import { bombs } from "../support/bombs.ts";
import { hostileInventories, hostileObservations } from "../support/hostile-reports.ts";
import { hostileCreates } from "../support/hostile-requests.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { connectRaw, type RawMessage, type RawNats } from "../support/raw-nats.ts";
import { retainedBytes } from "../support/retained.ts";
import { inventoryOf } from "../support/scripted-host.ts";
import { skip } from "../support/services.ts";
import { machine } from "../support/store-rows.ts";

const run = promisify(execFile);
const reason = ({ headers }: RawMessage) => headers["Novact-Reason"];

/** Asks until the question is read: who is beyond its share asks again, as everybody has to. */
async function patient(raw: RawNats, ...request: Parameters<RawNats["request"]>): Promise<RawMessage> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await raw.request(...request);
    if (reason(answer) !== "tooManyRequests") return answer;
    await new Promise((resolve) => setTimeout(resolve, admissionLimits.refusedRetryAfterMs));
  }
  throw new Error("This client is refused for ever.");
}

describe("a cluster, seen by its clients", function () {
  this.timeout(120_000);
  let cluster: LiveCluster;

  before(async function () {
    cluster = await startLiveCluster(this);
  });
  after(() => cluster?.stop());

  const findings = async () => (await cluster.admin.doctor.examine({})).findings;
  const create = () => `novact.v1.${cluster.cell}.cmd.demo.instance.create`;

  it("takes five lines of the SDK from connecting to a running instance and its console", async () => {
    const { url, cell, flavor, image } = cluster;
    await using novact = await connect({ url, cell, project: "demo" });
    const { instance } = await novact.instance.create({ name: "five", flavor, image, wait: true });
    expect(instance.state).to.equal("running");
    for await (const text of novact.console(instance.id)) expect(text).to.be.a("string");
    const { operation } = await novact.instance.delete(instance.id, {});
    expect((await novact.waitFor(operation)).state).to.equal("done");
  });

  it("is used by a client in C, written from the document alone", async function () {
    if (!existsSync("/usr/include/nats/nats.h")) skip(this, "no NATS C library is installed (libnats-dev)");
    const directory = await mkdtemp(join(tmpdir(), "novact-c-"));
    const program = join(directory, "novact-session");
    const source = join(import.meta.dirname, "c-client", "novact-session.c");
    try {
      await run("cc", ["-Wall", "-Wextra", "-Werror", source, "-o", program, "-lnats"]).catch(
        (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === "ENOENT")
            skip(this, "no C compiler is installed (gcc)");
          throw error;
        },
      );
      const { url, cell, flavor, image } = cluster;
      const { stdout } = await run(program, [url, cell, "demo", flavor, image], { timeout: 100_000 });
      expect(stdout.trim().split("\n")).to.deep.equal([
        "unknown flavor: unknownFlavor",
        "create: ok",
        "event accepted: ok",
        "event operationEnded: ok",
        "console: ok",
        "stop: ok",
        "delete: ok",
        "event deleted: ok",
        "all of it came out as documented",
      ]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    expect(await findings()).to.deep.equal([]);
  });

  it("answers every hostile request with a code, serves on, takes no memory, and is sound afterwards", async () => {
    const raw = await connectRaw(cluster.url);
    const { flavor, image } = cluster;
    const good = { name: "sound", flavor, image };
    const asked = async (...request: Parameters<RawNats["request"]>) =>
      reason(await patient(raw, ...request));
    const attack = async () => {
      expect(await asked(create(), JSON.stringify({ ...good, flavor: "none" }))).to.equal("unknownFlavor");
      expect(await asked(create(), "{")).to.equal("malformedBody");
      expect(await asked(create(), Uint8Array.of(0x81))).to.equal("malformedBody");
      expect(await asked(create(), " ".repeat(2 * 1024 * 1024))).to.equal("bodyTooLarge");
      const past = { "Novact-Timeout-Ms": "0" };
      expect(await asked(create(), JSON.stringify(good), past)).to.equal("deadlinePast");
      const odd = `novact.v1.${cluster.cell}.cmd.demo.instance.a.*.b.get`;
      expect(await asked(odd, "{}")).to.equal("malformedSubject");
      for (const { body, reason: due = "schemaMismatch" } of hostileCreates) {
        expect(await asked(create(), JSON.stringify(body))).to.equal(due);
        expect(await asked(create(), encode(body))).to.equal(due);
      }
      for (const bomb of bombs) expect(await asked(create(), bomb.body)).to.equal(bomb.reason);
    };
    await attack();
    const beforeBytes = retainedBytes();
    for (let round = 0; round < 10; round += 1) await attack();
    expect(retainedBytes() - beforeBytes).to.be.lessThan(128 * 1024 * 1024);
    expect(await asked(create(), JSON.stringify(good))).to.equal(undefined);
    raw.close();
    expect(cluster.noted.filter(({ level }) => level === "error")).to.deep.equal([]);
    expect(await findings()).to.deep.equal([]);
  });

  it("leaves out or refuses what a host cannot say, serves the others, and is sound afterwards", async () => {
    const [host] = (await cluster.admin.host.list({})).hosts;
    if (host === undefined) throw new Error("no host");
    const raw = await connectRaw(cluster.url, { inboxPrefix: inboxPrefixOf(hostUser(host.id)) });
    const { hostId: _, ...sound } = machine("invented");
    const say = async (method: string, request: object) =>
      patient(raw, `novact.v1.${cluster.cell}.report.${host.id}.${method}`, JSON.stringify(request));
    const beat = { complete: false, stopping: true, leaseEpoch: 0 };
    const attack = async () => {
      const machines = [...hostileObservations(sound).map(({ body }) => body), sound];
      const { body } = await say("heartbeat", { ...beat, machines });
      expect(JSON.parse(Buffer.from(body).toString())).to.deep.equal({ known: true, stored: ["invented"] });
      const many = Array.from({ length: 15_000 }, (_, n) => ({ ...sound, instanceId: `i-${n}` }));
      expect(reason(await say("heartbeat", { ...beat, machines: many }))).to.equal("schemaMismatch");
      for (const { body: inventory } of hostileInventories(inventoryOf(host.id)))
        expect(reason(await say("register", { inventory, machines: [], knows: [] }))).to.equal(
          "schemaMismatch",
        );
    };
    await attack();
    const beforeBytes = retainedBytes();
    for (let round = 0; round < 5; round += 1) await attack();
    expect(retainedBytes() - beforeBytes).to.be.lessThan(128 * 1024 * 1024);
    raw.close();
    const [{ name } = { name: "" }] = (await cluster.admin.host.list({})).hosts;
    expect(name).to.equal(host.name);
    await until(findings, (found) => found.length === 0);
  });

  it("tells a watcher everything, in order, without gap, from wherever it begins", async () => {
    const { url, cell, flavor, image } = cluster;
    await using novact = await connect({ url, cell, project: "demo" });
    const { last } = await novact.event.list({});
    const { instance } = await novact.instance.create({ name: "watched", flavor, image, wait: true });
    await novact.instance.delete(instance.id, { wait: true });
    const heard: Event[] = [];
    for await (const event of novact.watch({ after: last, noun: "instance", id: instance.id })) {
      heard.push(event);
      if (event.event === "deleted") break;
    }
    expect(heard[0]).to.include({ event: "accepted", id: instance.id });
    const sequences = heard.map(({ sequence }) => sequence);
    expect(sequences).to.deep.equal([...sequences].sort((a, b) => a - b));
  });

  it("runs 100 request ids once each, asked 1,000 times by 8 clients", async () => {
    const { url, cell, flavor, image } = cluster;
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => connect({ url, cell, project: "thousand" })),
    );
    const asked = Array.from({ length: 1_000 }, (_, at) => {
      const request = { name: `same-${at % 100}`, flavor, image };
      return clients[at % 8]?.instance.create(request, { requestId: `same-${at % 100}`, timeoutMs: 60_000 });
    });
    const answers = await Promise.all(asked);
    expect(new Set(answers.map((answer) => answer?.instance.id)).size).to.equal(100);
    const { instances } = (await clients[0]?.instance.list({ limit: 1_000 })) ?? { instances: [] };
    expect(instances).to.have.length(100);
    await Promise.all(clients.map((client) => client.close()));
  });
});
