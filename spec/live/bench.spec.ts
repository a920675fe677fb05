/**
 * Benchmarks with small numbers, so that a benchmark that no longer runs is noticed before its figures are
 * needed. No figure is asserted. Not here: `boot` and `recovery`, which need QEMU guests and minutes.
 */
import { expect } from "chai";
import { accept } from "../../nodes/bench/accept.ts";
import { lifecycle } from "../../nodes/bench/lifecycle.ts";
import { manyHosts } from "../../nodes/bench/many-hosts.ts";
import { memory } from "../../nodes/bench/memory.ts";
import { reads } from "../../nodes/bench/reads.ts";
import { rebuild } from "../../nodes/bench/rebuild.ts";
import { scheduler } from "../../nodes/bench/scheduler.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { skip } from "../support/services.ts";

/** The names in a result, with their contents; any finite number is a figure. */
function figuresIn(value: unknown): number {
  if (typeof value === "number") {
    expect(value).to.satisfy(Number.isFinite);
    return 1;
  }
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + figuresIn(one), 0);
}

describe("benchmarks with small numbers", function () {
  this.timeout(120_000);
  before(function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
  });

  const cases: Readonly<Record<string, () => Promise<unknown>>> = {
    accept: () => accept(3, 3),
    lifecycle: () => lifecycle(1, 3),
    reads: () => reads([50, 100]),
    scheduler: () => scheduler([10]),
    "many-hosts": () =>
      manyHosts({ hosts: 3, controllers: [1], clients: [2], restSeconds: 1, loadSecondsMax: 1 }),
    rebuild: () => rebuild({ counts: [10], steadySeconds: 1 }),
    memory: () => memory(1),
  };
  for (const [name, run] of Object.entries(cases)) {
    it(`${name} runs to its end and has figures`, async () => {
      expect(figuresIn(await run())).to.be.at.least(5);
    });
  }
});
