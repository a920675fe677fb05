/**
 * The disk under a whole cluster is filled to the last byte, for longer than a host lease lasts: no process
 * ends, no host loses its lease, stops and deletes are stored, and new instances are refused in words. When
 * there is room again, everything is as before. Real NATS and PostgreSQL, real processes, fake guests, on a
 * small file system in memory.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { connectNats } from "../../nodes/bus/nats.ts";
import { controllerUser } from "../../nodes/bus/users.ts";
import { fillDisk } from "../../nodes/chaos/full-disk.ts";
import { livingParties } from "../../nodes/chaos/parties.ts";
import { type ClusterConfig, connectionOf, loadConfig, statePaths } from "../../nodes/config/config.ts";
import { ownServerConnections } from "../../nodes/config/postgres-connections.ts";
import { createEventStream } from "../../nodes/events/stream.ts";
import { connect, type Novact, StatusError } from "../../nodes/sdk/sdk.ts";
import { type Cluster, startCluster } from "../../nodes/up/cluster.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { silentLog } from "../support/driver-world.ts";
import { shortened, skip } from "../support/services.ts";

const sizeMib = 512;
/** NOVACT_FULL_DISK_SECONDS=60 fills it for a minute. */
const filledMs = Number(process.env.NOVACT_FULL_DISK_SECONDS ?? 16) * 1_000;
const wellWithinMs = 30_000;

const yaml = `
stateDirectory: state
nats: { port: 0 }
postgres: { port: 0 }
controllers: 2
demo: false
nodes: [{ name: node-1, hypervisor: fake }, { name: node-2, hypervisor: fake }]
`;

describe("a full disk under a whole cluster", function () {
  this.timeout(180_000 + filledMs);
  let directory: string;
  let config: ClusterConfig;
  let running: Cluster | undefined;
  let admin: Novact;
  const said: string[] = [];

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    if (process.getuid?.() !== 0) skip(this, "only root may mount the small file system that is filled");
    if (filledMs < 60_000)
      shortened(`the disk is full for ${filledMs / 1_000} s`, "NOVACT_FULL_DISK_SECONDS=60");
    directory = mkdtempSync(join(tmpdir(), "novact-full-"));
    chmodSync(directory, 0o711);
    const state = join(directory, "state");
    mkdirSync(state);
    const options = `size=${sizeMib}m,mode=711`;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "novact-full", state]);
    writeFileSync(join(directory, "cluster.yaml"), yaml);
    config = loadConfig(join(directory, "cluster.yaml"));
    mkdirSync(statePaths(config).log, { recursive: true, mode: 0o711 });
    const say = (text: string) => void said.push(text);
    const screen = { say, show: () => undefined, sinceStartMs: () => performance.now() };
    running = await startCluster({ config, screen, guest: Promise.resolve() });
    admin = await connect({ config: config.file, project: "admin" });
    await offer(admin, config);
  });
  after(async () => {
    await admin?.close();
    await running?.stop();
    if (directory === undefined) return;
    execFileSync("umount", ["--lazy", join(directory, "state")]);
    rmSync(directory, { recursive: true, force: true });
  });

  const wanted = { flavor: "small", image: "blank", wait: true } as const;
  const refusalOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "none",
      (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
    );
  const leases = async () => (await admin.host.list({})).hosts.map(({ lease }) => lease?.state);
  const stateOf = async (name: string) =>
    (await admin.host.get(name, {})).host.space?.find(({ of }) => of === "state directory");
  const subjects = async () => (await admin.doctor.examine({})).findings.map(({ subject }) => subject);

  it("has a PostgreSQL with room for the connections of both controllers", async () => {
    const server = (await livingParties(config)).get("postgres");
    expect(server?.argv).to.include(`max_connections=${ownServerConnections(2)}`);
  });

  it("fences nobody, loses nothing, refuses new work in words, and is well soon after", async () => {
    const { all = [] } = await admin.instance.create({ ...wanted, name: "old", count: 8 });
    const pids = async () =>
      new Map([...(await livingParties(config))].map(([name, { pid }]) => [name, pid]));
    const before = await pids();
    const { heal } = await fillDisk(config, "state");
    const filledAtMs = performance.now();
    try {
      while ((await refusalOf(admin.instance.create({ ...wanted, name: "new" }))) !== "diskFull")
        expect(performance.now() - filledAtMs, "still not refused").to.be.lessThan(leaseLimits.leaseTtlMs);
      const left = all.map(({ instance }) => instance.id);
      while (performance.now() - filledAtMs < filledMs) {
        expect(await leases()).to.deep.equal(["held", "held"]);
        const id = left.pop();
        if (id !== undefined) {
          const { operation } = await admin.instance.stop(id, { mode: "hard", wait: true });
          expect(operation.state, JSON.stringify(operation)).to.equal("done");
          const deleted = await admin.instance.delete(id, { wait: true });
          expect(deleted.operation.state, JSON.stringify(deleted.operation)).to.equal("done");
        }
        await sleep(1_000);
      }
      expect(await subjects()).to.have.members(["host node-1", "host node-2", "controllers"]);
      // Each controller knows what the host last said to it.
      while ((await stateOf("node-1"))?.full !== true)
        expect(performance.now() - filledAtMs, "not shown").to.be.lessThan(filledMs + wellWithinMs);
      expect(said.join("\n")).to.contain("the file system of the state directory is full");
    } finally {
      await heal();
    }
    const freedAtMs = performance.now();
    while ((await refusalOf(admin.instance.create({ ...wanted, name: "new" }))) !== "none")
      expect(performance.now() - freedAtMs, "still refused").to.be.lessThan(wellWithinMs);
    while ((await subjects()).length > 0)
      expect(performance.now() - freedAtMs, "not well yet").to.be.lessThan(wellWithinMs);
    expect(await leases()).to.deep.equal(["held", "held"]);
    expect(await pids()).to.deep.equal(before);
    expect(said.join("\n")).to.contain("the file system of the state directory has room again");
    expect(await hostEvents(admin)).to.deep.equal(["registered"]);
    await streamComplete(admin, config, freedAtMs + wellWithinMs);
  });
});

async function offer(admin: Novact, config: ClusterConfig): Promise<void> {
  const { import: imports } = statePaths(config);
  mkdirSync(imports, { recursive: true });
  writeFileSync(join(imports, "disk.raw"), new Uint8Array(1024 * 1024));
  await admin.flavor.create({ name: "small", vcpus: 1, memoryMib: 128, diskGib: 0 });
  await admin.image.register({ name: "blank", disk: { path: join(imports, "disk.raw"), format: "raw" } });
  while ((await admin.host.list({})).hosts.filter(({ alive }) => alive).length < 2) await sleep(50);
}

/** The kinds of events about hosts, each once. */
async function hostEvents(admin: Novact): Promise<readonly string[]> {
  const { events } = await admin.event.list({ after: 0, noun: "host", limit: 1_000 });
  return [...new Set(events.map(({ event }) => event))].sort().filter((event) => event !== "enabled");
}

/**
 * Waits until JetStream has every event that the store has, also those of the time when its disk was full.
 */
async function streamComplete(admin: Novact, config: ClusterConfig, untilMs: number): Promise<void> {
  const bus = await connectNats({ ...connectionOf(config, controllerUser), name: "spec", log: silentLog });
  try {
    const stream = createEventStream({ bus, cell: config.cell });
    const { last } = await admin.event.list({});
    let end = 0;
    while (end < last) {
      end = await stream.lastSequence();
      expect(performance.now(), `the stream ends at ${end} of ${last}`).to.be.lessThan(untilMs);
      await sleep(50);
    }
  } finally {
    await bus.close();
  }
}
