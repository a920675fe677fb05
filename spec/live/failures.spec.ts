/**
 * Every process of a real cluster is killed, one at a time, while creates and deletes are under way and again
 * while the cluster rests. Whichever process was killed: every command ends as it should, nothing is doubled,
 * no guest that should run was touched, and the doctor finds nothing. Real NATS, PostgreSQL, QEMU and
 * processes.
 *
 * NOVACT_FAILURES=full runs twenty rounds of each; otherwise a few, to keep the run short.
 */

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { type BenchCluster, type ClusterProcess, openCluster } from "../../nodes/bench/bench-cluster.ts";
import { proofOf } from "../../nodes/process/owned-process.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { registerHaltingImage } from "../support/halting-image.ts";
import { skip } from "../support/services.ts";

const full = process.env.NOVACT_FAILURES === "full";
const count = full ? 20 : 4;
const backWithinMs = 30_000;
const patient = { timeoutMs: 120_000 };

describe("killed processes", function () {
  this.timeout(300_000);
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    if (!existsSync("/usr/bin/qemu-system-x86_64")) skip(this, "QEMU is not installed (qemu-system-x86)");
    cluster = await openCluster({ guests: "real", accelerator: "tcg" });
    await registerHaltingImage(cluster);
  });
  after(async () => cluster?.close());
  afterEach(async () => {
    const { instances } = await cluster.demo.instance.list({ limit: 1_000 });
    await remove(
      cluster,
      instances.map(({ id }) => id),
    );
  });

  for (const victim of ["compute", "controller", "nats-server", "postgres", "guests"] as const) {
    it(`${victim}, while ${count} creates and ${count} deletes are under way`, async () => {
      const kept = await create(cluster, count, `${victim}-keep`);
      const leaving = await create(cluster, count, `${victim}-leave`);
      const before = guestsOf(cluster, kept);
      const work = Promise.all([
        create(cluster, count, `${victim}-new`),
        ...leaving.map((id) => cluster.demo.instance.delete(id, { wait: true }, patient)),
      ]);
      await pause(150);
      const killed = await kill(cluster, victim, kept);
      const [made, ...deleted] = await work;
      expect(deleted.map(({ operation }) => operation.state)).to.deep.equal(leaving.map(() => "done"));
      await agrees(cluster, [...kept, ...made]);
      unharmed(cluster, before, killed);
    });

    it(`${victim}, when idle`, async () => {
      const kept = await create(cluster, count, `${victim}-idle`);
      const before = guestsOf(cluster, kept);
      const killed = await kill(cluster, victim, kept);
      await agrees(cluster, kept);
      unharmed(cluster, before, killed);
    });
  }
});

async function create({ demo }: BenchCluster, howMany: number, name: string): Promise<readonly string[]> {
  const made = await Promise.all(
    Array.from({ length: howMany }, async (_, index) => {
      const request = { name: `${name}-${index}`, flavor: "halt", image: "halt", wait: true };
      const { instance, operation } = await demo.instance.create(request, patient);
      expect(operation, JSON.stringify(operation.error)).to.include({ state: "done" });
      return instance.id;
    }),
  );
  return made;
}

async function remove({ demo }: BenchCluster, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => demo.instance.delete(id, { wait: true }, patient)));
}

/** Kills one process of the kind; for guests, one of those that are to stay. */
async function kill(
  cluster: BenchCluster,
  name: ClusterProcess["name"],
  kept: readonly string[],
): Promise<ClusterProcess> {
  const victims = cluster
    .processes()
    .filter((it) => it.name === name && (name !== "guests" || kept.includes(it.detail)));
  // PostgreSQL's first process is the parent of the others.
  const victim = victims.sort((left, right) => left.pid - right.pid)[0];
  if (victim === undefined) throw new Error(`There is no ${name} to kill.`);
  const { pid } = victim;
  const startedAt = proofOf(pid, "")?.startTicks;
  process.kill(pid, "SIGKILL");
  // The kernel takes a while to end a process with much memory, and until then everything agrees as before.
  while (startedAt !== undefined && proofOf(pid, "")?.startTicks === startedAt) await pause(5);
  return victim;
}

interface Known {
  readonly pid: number;
  readonly startedAt: string | undefined;
}

function guestsOf(cluster: BenchCluster, ids: readonly string[]): ReadonlyMap<string, Known> {
  const guests = cluster.processes().filter(({ name, detail }) => name === "guests" && ids.includes(detail));
  return new Map(guests.map(({ pid, detail }) => [detail, { pid, startedAt: proofOf(pid, "")?.startTicks }]));
}

/**
 * Waits until exactly the wanted instances run, each as one process, no operation is under way, and the
 * doctor finds nothing.
 */
async function agrees(cluster: BenchCluster, wanted: readonly string[]): Promise<void> {
  const untilMs = performance.now() + backWithinMs;
  for (;;) {
    const differences = await differencesOf(cluster, wanted).catch((error: unknown) => [String(error)]);
    if (differences.length === 0) return;
    if (performance.now() > untilMs) throw new Error(`Not settled in time:\n${differences.join("\n")}`);
    await pause(250);
  }
}

async function differencesOf(cluster: BenchCluster, wanted: readonly string[]): Promise<readonly string[]> {
  const { instances } = await cluster.demo.instance.list({ limit: 1_000 });
  const odd = instances.filter(({ state, operationId }) => state !== "running" || operationId !== null);
  const processes = cluster.processes().filter(({ name }) => name === "guests");
  const { findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 });
  return [
    ...same(
      "instances",
      instances.map(({ id }) => id),
      wanted,
    ),
    ...same(
      "processes",
      processes.map(({ detail }) => detail),
      wanted,
    ),
    ...odd.map(({ id, state, operationId }) => `${id} is ${state}, operation ${operationId}`),
    ...findings.map(({ kind, subject, message }) => `${kind}: ${subject}: ${message}`),
  ];
}

function same(what: string, found: readonly string[], wanted: readonly string[]): readonly string[] {
  const [left, right] = [[...found].sort().join(), [...wanted].sort().join()];
  return left === right ? [] : [`${what}: ${found.length} found, ${wanted.length} wanted`];
}

/** The processes are the same as before; only a guest that was killed itself has a new one. */
function unharmed(cluster: BenchCluster, before: ReadonlyMap<string, Known>, killed: ClusterProcess): void {
  const after = guestsOf(cluster, [...before.keys()]);
  for (const [id, known] of before) {
    if (id === killed.detail) expect(after.get(id)?.pid).to.not.equal(known.pid);
    else expect(after.get(id), id).to.deep.equal(known);
  }
}
