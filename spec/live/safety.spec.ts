/**
 * The controller's commands stand still for longer than a host lease lasts, and no lease ends: renewals have
 * a thread of their own. And when that thread stands still, its controller ends. Real NATS, PostgreSQL and
 * processes; threads are held by the debugger that Node has in every process.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { type BenchCluster, openCluster } from "../../nodes/bench/bench-cluster.ts";
import { postgresUrlOf, statePaths } from "../../nodes/config/config.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { nodeMemory } from "../../nodes/up/node-memory.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { until } from "../support/asking.ts";
import { runInMain, runInWorker, startedWithDebugger } from "../support/held-thread.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

const heldMs = leaseLimits.leaseTtlMs + 4_000;

/** A minute: the process has to be missed, ended and started. */
const timesMax = 2_400;

describe("the safety channel", function () {
  this.timeout(120_000);
  let cluster: BenchCluster & { close(): Promise<void> };
  let store: Store;

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    cluster = await startedWithDebugger(() => openCluster({ guests: "pretended", say: () => undefined }));
    store = await openStore({ url: postgresUrlOf(cluster.config), clock: systemClock, log: silentLog });
  });
  after(async () => {
    await store?.close();
    await cluster?.close();
  });

  const logOf = (name: string) => join(statePaths(cluster.config).log, name);
  const controller = () => ({
    pid: cluster.processes().find(({ name }) => name === "controller")?.pid ?? 0,
    outputFile: logOf("controller-1.out"),
  });
  const renewals = async () => (await store.hosts.all()).map(({ lease }) => lease?.renewals ?? 0);
  const leaseEpochs = async () => (await store.hosts.all()).map(({ lease }) => lease?.leaseEpoch);

  it("is in a controller that is told what to keep of its memory, as is each compute node", () => {
    const roles = cluster.processes().flatMap(({ pid, name }) => {
      if (name !== "controller" && name !== "compute") return [];
      const [argv, environment] = ["cmdline", "environ"].map((file) =>
        readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0"),
      );
      const { nodeArguments, environment: variables } = nodeMemory[name];
      expect(argv, name).to.include.members([...nodeArguments]);
      const set = Object.entries(variables).map(([variable, value]) => `${variable}=${value}`);
      expect(environment, name).to.include.members(set);
      return [name];
    });
    expect(roles).to.include.members(["controller", "compute"]);
  });

  it("renews every host lease while no command is answered", async () => {
    const epochs = await leaseEpochs();
    const before = await renewals();
    const begunAtMs = performance.now();
    const released = runInMain(
      controller(),
      `{ const until = Date.now() + ${heldMs}; while (Date.now() < until); }`,
    );
    // Asked once the loop is held: the answer comes when it is free again.
    await pause(1_000);
    const answered = cluster.demo.instance.list({}, { timeoutMs: 60_000 });
    await pause(heldMs - 2_000);
    const during = await renewals();
    await released;
    await answered;
    expect(performance.now() - begunAtMs).to.be.at.least(heldMs);
    const counted = during.map((count, index) => count - (before[index] ?? 0));
    const periods = (heldMs - 1_000) / leaseLimits.heartbeatPeriodMs;
    for (const count of counted) expect(count).to.be.at.least(Math.floor(periods / 2));
    expect(await leaseEpochs()).to.deep.equal(epochs);
    const { events } = await cluster.admin.event.list({ noun: "host" });
    expect(events.filter(({ event }) => event === "fenced")).to.deep.equal([]);
    const { findings } = await cluster.admin.doctor.examine({});
    expect(findings).to.deep.equal([]);
  });

  it("ends the controller when its thread hangs: the next one hears the hosts, and the log says why", async () => {
    const before = controller();
    await runInWorker(before, "for (;;);");
    await heardAnew(before.pid);
    expect(logged()).to.include.members(["the safety channel hangs", "the process ends"]);
    expect(logged()).to.not.include("the safety channel cannot be ended: the process is killed");
  });

  it("ends the controller when its thread is stuck in the kernel", async () => {
    const fifo = join(cluster.directory, "nobody-writes");
    execFileSync("mkfifo", [fifo]);
    const before = controller();
    await runInWorker(before, `process.getBuiltinModule("node:fs").readFileSync(${JSON.stringify(fifo)})`);
    await heardAnew(before.pid);
    expect(logged()).to.include("the safety channel cannot be ended: the process is killed");
  });

  /** Resolves when another process counts the renewals of all hosts. */
  async function heardAnew(formerPid: number): Promise<void> {
    const { pid } = await until(
      async () => controller(),
      (one) => one.pid !== formerPid && one.pid !== 0,
      timesMax,
    );
    expect(pid).to.not.equal(formerPid);
    const counted = await renewals();
    await until(renewals, (now) => now.every((count, index) => count > (counted[index] ?? 0)), timesMax);
    const { hosts } = await cluster.admin.host.list({});
    expect(hosts.map(({ lease }) => lease?.state)).to.deep.equal(hosts.map(() => "held"));
  }

  const logged = () =>
    readFileSync(logOf("controller-1.log"), "utf8")
      .split("\n")
      .map((line) => /"msg":"([^"]*)"/.exec(line)?.[1]);
});
