/**
 * The controller's commands stand still for longer than a host lease lasts, and no lease ends: renewals have
 * a thread of their own. Real NATS, PostgreSQL and processes; the command loop is held by the debugger that
 * Node has in every process.
 */
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
import { findPostgres } from "../../nodes/up/postgres.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

const heldMs = leaseLimits.leaseTtlMs + 4_000;

describe("the safety channel", function () {
  this.timeout(120_000);
  let cluster: BenchCluster & { close(): Promise<void> };
  let store: Store;

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    const options = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = `${options ?? ""} --inspect-port=127.0.0.1:0`;
    cluster = await openCluster({ hypervisor: "fake", say: () => undefined }).finally(() => {
      if (options === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = options;
    });
    store = await openStore({ url: postgresUrlOf(cluster.config), clock: systemClock, log: silentLog });
  });
  after(async () => {
    await store?.close();
    await cluster?.close();
  });

  const renewals = async () => (await store.hosts.all()).map(({ lease }) => lease?.renewals ?? 0);
  const leaseEpochs = async () => (await store.hosts.all()).map(({ lease }) => lease?.leaseEpoch);

  it("renews every host lease while no command is answered", async () => {
    const epochs = await leaseEpochs();
    const before = await renewals();
    const begunAtMs = performance.now();
    const released = hold(cluster, heldMs);
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
});

/** Keeps the controller's command loop busy; resolves when it is free again. */
async function hold(cluster: BenchCluster, ms: number): Promise<void> {
  const pid = cluster.processes().find(({ name }) => name === "controller")?.pid ?? 0;
  process.kill(pid, "SIGUSR1");
  const socket = new WebSocket(await debuggerOf(join(statePaths(cluster.config).log, "controller-1.out")));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const expression = `{ const until = Date.now() + ${ms}; while (Date.now() < until); }`;
  const done = new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
  socket.send(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } }));
  await done;
  socket.close();
}

/** The address at which the process says that it can be debugged. */
async function debuggerOf(outputFile: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const url = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(readFileSync(outputFile, "utf8"))?.[0];
    if (url !== undefined) return url;
    await pause(50);
  }
  throw new Error("The controller does not say where it can be debugged.");
}
