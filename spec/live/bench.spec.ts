/**
 * Every benchmark with small numbers, so that one that no longer runs is noticed before its figures are
 * needed, and that each tells a part of its figures before it ends. No figure is asserted.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { accept } from "../../nodes/bench/accept.ts";
import { type BenchName, benchNames } from "../../nodes/bench/bench-options.ts";
import { boot } from "../../nodes/bench/boot.ts";
import { missingForCounting, missingForGuests } from "../../nodes/bench/counting-guest.ts";
import { flood } from "../../nodes/bench/flood.ts";
import { growth } from "../../nodes/bench/growth.ts";
import { images } from "../../nodes/bench/images.ts";
import { lifecycle } from "../../nodes/bench/lifecycle.ts";
import { manyHosts } from "../../nodes/bench/many-hosts.ts";
import { memory } from "../../nodes/bench/memory.ts";
import { network } from "../../nodes/bench/network.ts";
import type { Note } from "../../nodes/bench/note.ts";
import { reads } from "../../nodes/bench/reads.ts";
import { rebuild } from "../../nodes/bench/rebuild.ts";
import { recovery } from "../../nodes/bench/recovery.ts";
import { scheduler } from "../../nodes/bench/scheduler.ts";
import { storage } from "../../nodes/bench/storage.ts";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

/** The number of figures in a result; any finite number is one. */
function figuresIn(value: unknown): number {
  if (typeof value === "number") {
    expect(value).to.satisfy(Number.isFinite);
    return 1;
  }
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + figuresIn(one), 0);
}

interface Case {
  /** Why the benchmark cannot run on this computer; undefined: it can. Absent: all computers do. */
  readonly missing?: () => string | undefined;
  /** Absent: five minutes. */
  readonly timeoutMs?: number;
  run(note: Note): Promise<unknown>;
}

const noGuest = () =>
  guestOfSetup() === undefined ? "the tiny guest was not built (npm start builds it)" : undefined;
const { signal } = new AbortController();
const benchEntry = join(import.meta.dirname, "..", "..", "nodes", "bench", "main.ts");

/** Ids of processes whose command line names the directory. */
const processesIn = (directory: string): readonly string[] =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(directory);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });

const cases: Readonly<Record<BenchName, Case>> = {
  accept: { run: (note) => accept({ count: 3, warmUps: 3, note }) },
  lifecycle: { run: (note) => lifecycle({ rounds: 1, warmUps: 3, note }) },
  boot: {
    missing: () => missingForGuests() ?? noGuest(),
    run: (note) => boot({ rounds: 1, warmUps: 0, note }),
  },
  reads: { run: (note) => reads({ counts: [50, 100], note }) },
  scheduler: { run: (note) => scheduler({ sizes: [10], note }) },
  "many-hosts": {
    run: (note) =>
      manyHosts({ hosts: 3, controllers: [1], clients: [2], restSeconds: 1, loadSecondsMax: 1, note }),
  },
  rebuild: { run: (note) => rebuild({ counts: [10], steadySeconds: 1, restarts: 1, note }) },
  memory: { run: (note) => memory({ idleSeconds: 1, note }) },
  network: {
    run: (note) =>
      network({
        ...{ sizes: [3], farPorts: 20, comparePorts: 4, rounds: 1, ports: 1, pairs: 1, seconds: 0.1 },
        ...{ roundTrips: 20, creates: 2, stretch: 2, note },
      }),
  },
  images: { run: (note) => images({ mib: 4, pairs: 1, note }) },
  storage: {
    missing: () => missingForGuests() ?? noGuest(),
    // It boots three emulated guests, and begins a second cluster.
    timeoutMs: 600_000,
    run: (note) => storage({ rounds: 1, warmUps: 0, races: 1, mib: 4, imagePairs: 1, note }),
  },
  growth: { run: (note) => growth({ creates: 20, lives: 5, restSeconds: 1, note }) },
  recovery: {
    missing: () => missingForCounting() ?? noGuest(),
    run: async (note) => {
      const result = await recovery({ cases: ["agentKilledBriefly"], runs: 1, guests: 1, signal, note });
      if (result.directory !== undefined) rmSync(result.directory, { recursive: true });
      return result;
    },
  },
  flood: {
    missing: noGuest,
    run: (note) => flood({ kinds: ["polls"], seconds: 1, guests: 2, createsCount: 5, note }),
  },
};

describe("a benchmark that is ended", function () {
  this.timeout(120_000);
  before(function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
  });

  it("leaves the figures that it has, and no process", async () => {
    const temporary = await temporaryDirectory();
    const bench = spawn(process.execPath, [benchEntry, "memory"], {
      env: { ...process.env, TMPDIR: temporary.path },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(bench, "exit");
    try {
      const [line] = await once(createInterface(bench.stdout), "line");
      expect(JSON.parse(line)).to.deep.include({ name: "memory", part: "at once" });
      expect(processesIn(temporary.path)).not.to.deep.equal([]);
      bench.kill("SIGTERM");
      expect(await exited).to.deep.equal([exitCodes.interrupted.exit, null]);
      expect(processesIn(temporary.path)).to.deep.equal([]);
      expect(await readdir(temporary.path)).to.deep.equal([]);
    } finally {
      bench.kill("SIGKILL");
      await temporary.remove();
    }
  });
});

describe("benchmarks with small numbers", function () {
  this.timeout(300_000);
  before(function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
  });

  for (const name of benchNames) {
    const { missing, timeoutMs, run } = cases[name];
    it(`${name} runs to its end, and tells figures before it`, async function () {
      if (timeoutMs !== undefined) this.timeout(timeoutMs);
      const lacking = missing?.();
      if (lacking !== undefined) skip(this, lacking);
      const parts: unknown[] = [];
      const result = await run((part, figures) => parts.push({ part, figures }));
      expect(figuresIn(result)).to.be.at.least(5);
      expect(parts).not.to.deep.equal([]);
      for (const part of parts) expect(figuresIn(part), JSON.stringify(part)).to.be.at.least(1);
    });
  }
});
