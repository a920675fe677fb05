/**
 * Instances with ports, also behind routers, are made and deleted while a node's processes are killed,
 * stopped and cut off, on a node with the driver `bridge` and real guests, and on one that pretends. Then
 * doctor and kernel are asked: no address, tap, element, route, zone or namespace is left over.
 * Faults and load are those of `novact chaos`. Needs root, PostgreSQL, NATS and QEMU; skips loudly elsewhere.
 *
 * NOVACT_NETWORKS=full makes 200 instances with ports; otherwise as many as twenty seconds have.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { runChaos } from "../../nodes/chaos/run.ts";
import type { Scenario } from "../../nodes/chaos/scenario.ts";
import { loadConfig, statePaths } from "../../nodes/config/config.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { type Cluster, startCluster } from "../../nodes/up/cluster.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { countFabric } from "../support/fabric-count.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { shortened, skip } from "../support/services.ts";

const full = process.env.NOVACT_NETWORKS === "full";
const wanted = full ? 200 : 1;
const seed = Number(process.env.SEED ?? 7);
const nodes = ["node-1", "node-2"] as const;

const cluster = `
stateDirectory: state
nats: { port: 0 }
postgres: { port: 0 }
demo: false
nodes:
  - { name: ${nodes[0]}, hypervisor: qemu, accelerator: tcg, network: bridge }
  - { name: ${nodes[1]}, hypervisor: fake, network: fake }
chaos: { allowed: true }
`;

/** Without stops, as the disks of a fake host end with its process. */
const commands = { create: 6, delete: 6, stop: 0 };
const scenario: Scenario = {
  summary: "ports are made and released while processes die",
  load: [
    { name: "real", hypervisor: "qemu", clients: 3, instances: 9, pauseMs: 300, commands, routers: true },
    { name: "many", hypervisor: "fake", clients: 3, instances: 20, pauseMs: 300, commands },
  ],
  faults: [
    { kind: "kill", target: nodes[0], everySeconds: 12 },
    { kind: "kill", target: "guest", everySeconds: 15 },
    { kind: "kill", target: "controller", everySeconds: 25 },
    { kind: "pause", target: nodes[0], everySeconds: 30, forSeconds: 2 },
    { kind: "cut", target: nodes[0], everySeconds: 20, forSeconds: 2 },
    { kind: "wipe", target: "nats", everySeconds: 40 },
  ],
};

describe("ports of a node whose processes die", function () {
  this.timeout(full ? 1_800_000 : 400_000);
  const directory = mkdtempSync(join(tmpdir(), "novact-chaos-ports-"));
  const file = join(directory, "cluster.yaml");
  let running: Cluster | undefined;
  let admin: Novact;
  const state = () => statePaths(loadConfig(file)).node(nodes[0]);

  before(async function () {
    const missing = missingForGuests() ?? missingForBridges();
    if (missing !== undefined) return skip(this, missing);
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    if (!full) shortened("a moment of ports under chaos", "NOVACT_NETWORKS=full");
    chmodSync(directory, 0o711);
    writeFileSync(file, cluster);
    mkdirSync(statePaths(loadConfig(file)).log, { recursive: true, mode: 0o711 });
    const silent = () => undefined;
    const screen = { say: silent, show: silent, sinceStartMs: () => performance.now() };
    running = await startCluster({ config: loadConfig(file), screen, guest: Promise.resolve() });
    admin = await connect({ config: file, project: "admin" });
  });
  after(async () => {
    await admin?.close();
    running?.hurry();
    await running?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 120_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await pause(200);
    }
  };
  let [made, seen] = [0, 0];
  const countMade = async () => {
    let [after, found] = [0, 0];
    for (;;) {
      const { events, last } = await admin.event.list({ after, nouns: ["port"], limit: 1_000 });
      found += events.filter(({ event }) => event === "created").length;
      if (events.length === 0 || (events.at(-1)?.sequence ?? last) >= last) return found;
      after = events.at(-1)?.sequence ?? last;
    }
  };

  it("are made and released, and every promise is kept", async () => {
    for (let run = 0; made < wanted; run += 1) {
      const summary = await runChaos({
        ...{ config: file, name: "ports", scenario, seed: seed + run, minutes: full ? 2 : 0.3 },
        ...{ report: join(directory, `report-${run}`), keep: false, say: () => undefined },
        signal: new AbortController().signal,
      });
      expect(summary.violations).to.deep.equal([]);
      expect(summary.stillMoving).to.deep.equal([]);
      seen += summary.figures.looks.answers;
      made = await countMade();
    }
    console.log(
      `      seed ${seed}: ${made} ports were made; ${seen} addresses answered when hosts were looked at`,
    );
    expect(seen, "hosts were looked at, and answered for guests").to.be.above(0);
  });

  it("leave no row", async () => {
    for (const list of [
      async () => (await admin.instance.list({})).instances,
      async () => (await admin.port.list({})).ports,
      async () => (await admin.router.list({})).routers,
      async () => (await admin.floatingIp.list({})).floatingIps,
      async () => (await admin.network.list({})).networks,
    ])
      await until("all rows are gone", async () => (await list()).length === 0);
  });

  it("leave nothing in the kernel", async () => {
    const nothing = {
      devices: [],
      plugs: [],
      routes: [],
      neighbours: [],
      zones: [],
      spaces: [],
      records: [],
    };
    let now = await countFabric(state());
    await until("all of it is gone", async () => {
      now = await countFabric(state());
      return now.devices.length === 0;
    }).catch(() => undefined);
    expect(now).to.deep.equal({ ...nothing, elements: {} });
  });

  it("leave nothing for the doctor to find", async () => {
    let findings: readonly unknown[] = [];
    await until("the doctor is content", async () => {
      ({ findings } = await admin.doctor.examine({}, { timeoutMs: 20_000 }));
      return findings.length === 0;
    }).catch(() => expect(findings).to.deep.equal([]));
  });
});
