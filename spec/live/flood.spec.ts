/**
 * A tenant floods a real cluster for some seconds, in each of the ways that there are: guests of others run
 * on, no host is fenced, others are answered, and whoever floods is told why not, by known codes. No figure
 * is asserted.
 */
import { expect } from "chai";
import { type FloodResult, flood } from "../../nodes/bench/flood.ts";
import { findNatsServer } from "../../nodes/up/nats-server.ts";
import { findPostgres } from "../../nodes/up/postgres.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { reasons } from "../../protocol/wire/reasons.ts";
import { shortened, skip } from "../support/services.ts";

/** NOVACT_FLOOD_SECONDS=60 floods as long as the benchmark does. */
const seconds = Number(process.env.NOVACT_FLOOD_SECONDS ?? 2);
/** In less than this no host can be fenced, whatever a flood does to the renewals. */
const longMs = leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs + 2_000;

describe("a flood of a real cluster that lasts longer than a host lease", function () {
  this.timeout(300_000);

  it("stops no guest, fences no host, is answered, and not heard for a while when it goes on", async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    const { runs } = await flood({ seconds: longMs / 1_000, guests: 4, kinds: ["small"] });
    const { seen, others, flood: sent } = runs.find(({ name }) => name === "small") ?? {};
    expect([seen?.guestsStopped, seen?.guardStops, seen?.fenced]).to.deep.equal([[], 0, 0]);
    expect(others?.failed).to.deep.equal({});
    expect(sent?.sent).to.be.greaterThan(0);
    // What is within the project's share takes busy computers the first seconds.
    expect(sent?.answers).to.include.keys("noResponders", "malformedBody");
  });
});

describe("a flood of a real cluster", function () {
  this.timeout(300_000);
  let result: FloodResult;
  before(async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    if (seconds < longMs / 1_000) shortened(`each flood lasts ${seconds} s`, "NOVACT_FLOOD_SECONDS=60");
    result = await flood({ seconds, guests: 4, createsCount: 50 });
  });

  it("stops no guest and fences no host", () => {
    for (const { name, seen } of result.runs) {
      const { guestsStopped, guardStops, fenced } = seen;
      expect({ guestsStopped, guardStops, fenced }, name).to.deep.equal({
        ...{ guestsStopped: [], guardStops: 0, fenced: 0 },
      });
    }
  });

  it("keeps nobody else from being answered", () => {
    for (const { name, others } of result.runs) {
      expect(others.failed, name).to.deep.equal({});
      expect(others.latencyMs.count, name).to.equal(others.asked);
      expect(others.asked, name).to.be.greaterThan(0);
    }
  });

  it("is answered with codes that are known", () => {
    const known: readonly string[] = [...Object.keys(reasons), "ok", "noResponders"];
    for (const { name, flood: sent } of result.runs) {
      expect(known, name).to.include.members(Object.keys(sent?.answers ?? {}));
      if (sent !== undefined) expect(sent.sent, name).to.be.greaterThan(0);
    }
  });

  it("sends its control runs to nobody", () => {
    const controls = result.runs.filter(({ name }) => name.endsWith("to nobody"));
    expect(controls.map(({ name }) => name)).to.deep.equal([
      "small to nobody",
      "questions to nobody",
      "large to nobody",
    ]);
    for (const { name, flood: sent } of controls)
      expect(Object.keys(sent?.answers ?? {}), name).to.deep.equal(["noResponders"]);
  });
});
