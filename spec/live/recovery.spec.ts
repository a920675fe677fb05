/**
 * A host loses its power: agent, guard and QEMU at once. Its guest goes on counting on another host, from the
 * last number on its disk, and on its volume; no other process ever writes to either, and the host comes back
 * with nothing of the guest. The short form of `npm run bench -- recovery`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { missingForCounting } from "../../nodes/bench/counting-guest.ts";
import { recoveryCases } from "../../nodes/bench/recovery-cases.ts";
import { runOnce } from "../../nodes/bench/recovery-run.ts";
import { RecoveryWorld } from "../../nodes/bench/recovery-world.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const never = new AbortController().signal;

describe("a host without power", function () {
  this.timeout(240_000);
  let directory: string;
  let world: RecoveryWorld | undefined;

  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    const missing = missingForCounting() ?? missingForGuests();
    if (missing !== undefined) skip(this, missing);
    directory = mkdtempSync(join(tmpdir(), "novact-recovery-"));
    const writerLog = join(directory, "writers.jsonl");
    const quiet = () => undefined;
    world = await RecoveryWorld.open({ nodes: 2, writerLog, signal: never, say: quiet });
  });
  after(async () => {
    await world?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  it("loses its guests to another one, each to one, with everything they had made durable", async () => {
    if (world === undefined) return;
    const [node = "", other = ""] = world.nodeNames;
    const ids = await world.createGuests(node, 1);
    await world.giveVolume(ids[0] ?? "");
    const run = await runOnce({ world, ids, node, other, directory }, recoveryCases.powerLoss);
    const how = `fenced by its ${run.fencedBy} after ${run.fencedMs} ms`;
    console.info(`      ${run.recoveryMs?.join(", ")} ms, ${how}`);
    expect(run.problems).to.deep.equal([]);
    // No process held the host's storage lease any more, so the host's silence did not have to be waited for.
    expect(run.fencedBy).to.equal("storage");
    const { twoWriters, writtenByNobody, samples } = world.writers.summary();
    expect({ twoWriters, writtenByNobody }).to.deep.equal({ twoWriters: [], writtenByNobody: [] });
    expect(samples).to.be.greaterThan(100);
  });
});
