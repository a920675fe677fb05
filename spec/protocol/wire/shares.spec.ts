/** Shares by value: places at work, queues in turn, waits and the operators' reserve. */
import { expect } from "chai";
import { hostLimits } from "../../../actors/node/host/limits.ts";
import { admissionLimits as limits } from "../../../protocol/limits/admission.ts";
import {
  commandShares,
  hostShares,
  type Place,
  type ShareLimits,
  Shares,
} from "../../../protocol/wire/shares.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

function world(changes: Partial<ShareLimits> = {}) {
  const clock = new SimulatedClock();
  const shares = new Shares({ ...commandShares, ...changes }, clock);
  const begun: { readonly name: string; readonly place: Place }[] = [];
  const failed: string[] = [];
  /** `working`, `queued` or `refused`, as the server has it. */
  const ask = (name: string, bytes = 100, leftMs = 10_000): string => {
    if (!shares.hasRoom(name, bytes)) return "refused";
    const entered = shares.enter(name, { bytes, leftMs });
    if (!(entered instanceof Promise)) {
      begun.push({ name, place: entered });
      return "working";
    }
    entered.then(
      (place) => begun.push({ name, place }),
      (error: unknown) => failed.push(`${name} ${error instanceof StatusError ? error.reason : error}`),
    );
    return "queued";
  };
  const many = (name: string, count: number, bytes?: number) => {
    const sums: Record<string, number> = {};
    for (let at = 0; at < count; at += 1) {
      const outcome = ask(name, bytes);
      sums[outcome] = (sums[outcome] ?? 0) + 1;
    }
    return sums;
  };
  return { clock, shares, begun, failed, ask, many };
}

describe("shares of the requests under way", () => {
  it("give one project alone its places, a queue behind them, and refuse the rest", () => {
    expect(world().many("a", 2_000)).to.deep.equal({ working: 64, queued: 1_000, refused: 936 });
  });

  it("keep a flood of one project from every place of another", () => {
    const w = world();
    w.many("greedy", 5_000);
    expect(w.many("quiet", 16)).to.deep.equal({ working: 16 });
  });

  it("let a project begin no more than a few while others ask, and all again afterwards", async () => {
    const w = world();
    expect(w.many("a", 40)).to.deep.equal({ working: 40 });
    w.ask("b");
    expect(w.many("a", 10)).to.deep.equal({ queued: 10 });
    for (const { name, place } of [...w.begun]) if (name === "a") place.leave();
    await w.clock.settle();
    expect(w.begun.filter(({ name }) => name === "a")).to.have.length(50);
    expect(w.many("a", 10)).to.deep.equal({ working: 6, queued: 4 });
    await w.clock.advance(limits.asksForMs);
    for (const { place } of [...w.begun]) place.leave();
    await w.clock.settle();
    expect(w.many("a", 100)).to.deep.equal({ working: 60, queued: 40 });
  });

  it("serve the queues in turn when all places are taken", async () => {
    const w = world({ atWorkMax: 1 });
    w.ask("first");
    for (const name of ["a", "a", "a", "b", "b", "c"]) expect(w.ask(name)).to.equal("queued");
    for (let at = 0; at < 6; at += 1) {
      w.begun[at]?.place.leave();
      await w.clock.settle();
    }
    expect(w.begun.map(({ name }) => name)).to.deep.equal(["first", "a", "b", "c", "a", "b", "a"]);
    expect(w.shares.underWay).to.equal(1);
  });

  it("let consoles take none of the places of what keeps guests alive at a host", () => {
    const w = world(hostShares);
    const most = limits.peerRequestsAtWorkMax;
    expect(w.many("novact.console", most + 10)).to.deep.equal({ working: most, refused: 10 });
    expect(w.many("novact", most)).to.deep.equal({ working: most });
    expect(hostLimits.consoleWaitersMax).to.be.below(most);
  });

  it("keep a reserve for operators when projects have taken all places", () => {
    const w = world();
    for (let at = 0; at < 40; at += 1) w.many(`p${at}`, 64);
    expect(w.ask("p99")).to.equal("queued");
    expect(w.many("admin", 40)).to.deep.equal({ working: limits.requestsAtWorkReserveMax, queued: 8 });
  });

  it("does not slow a project down because an operator asks something", () => {
    const w = world();
    w.ask("admin");
    expect(w.many("a", 64)).to.deep.equal({ working: 64 });
  });

  it("end what waits for its turn at its deadline, and keep the place of what goes on", async () => {
    const w = world({ atWorkPerNameMax: 1 });
    let end: (() => void) | undefined;
    w.ask("a");
    expect([w.ask("a", 100, 5), w.ask("a", 100, 500)]).to.deep.equal(["queued", "queued"]);
    await w.clock.advance(5);
    expect(w.failed).to.deep.equal(["a deadlinePast"]);
    expect(w.shares.underWay).to.equal(2);
    w.begun[0]?.place.holdFor(new Promise<void>((resolve) => (end = resolve)));
    w.begun[0]?.place.leave();
    await w.clock.settle();
    expect(w.begun).to.have.length(1);
    end?.();
    await w.clock.settle();
    expect(w.begun).to.have.length(2);
    await w.clock.advance(1_000);
    expect([w.failed.length, w.shares.underWay]).to.deep.equal([1, 1]);
  });

  it("make room in a full queue for who has fewer there", async () => {
    const w = world({ queuedMax: 100, atWorkMax: 1 });
    w.ask("a");
    expect(w.many("a", 200)).to.deep.equal({ queued: 100, refused: 100 });
    expect(w.many("b", 60)).to.deep.equal({ queued: 50, refused: 10 });
    await w.clock.settle();
    expect(w.failed).to.deep.equal(Array.from({ length: 50 }, () => "a tooManyRequests"));
  });

  it("bound the bytes that wait, of one and of all", () => {
    const w = world({ atWorkMax: 1 });
    w.ask("p");
    const large = 256 * 1_024;
    expect(w.many("a", 20, large)).to.deep.equal({ queued: 16, refused: 4 });
    for (let at = 0; at < 20; at += 1) w.many(`p${at}`, 20, large);
    expect(w.shares.underWay).to.be.at.most(1 + limits.bytesQueuedMax / large);
  });

  it("give the place of a request that only waits to the next", () => {
    const w = world();
    w.many("a", 64);
    expect(w.ask("a")).to.equal("queued");
    w.begun[0]?.place.rest();
    w.begun[0]?.place.leave();
    expect(w.shares.underWay).to.equal(64);
  });

  it("bound the waits of a project far below half, and keep some for operators", () => {
    const { shares } = world();
    const waits = (name: string, count: number) =>
      Array.from({ length: count }, () => {
        try {
          return shares.wait(name);
        } catch (error) {
          return error instanceof StatusError ? error.reason : "thrown";
        }
      });
    const greedy = waits("a", limits.waitsPerProjectMax + 5);
    expect(greedy.filter((one) => one === "tooManyWaits")).to.have.length(5);
    expect(waits("b", 10)).to.not.include("tooManyWaits");
    for (let at = 0; at < 10; at += 1) waits(`p${at}`, limits.waitsPerProjectMax);
    expect(waits("late", 1)).to.deep.equal(["tooManyWaits"]);
    expect(waits("admin", limits.waitsReserveMax)).to.not.include("tooManyWaits");
    expect(waits("admin", 1)).to.deep.equal(["tooManyWaits"]);
    for (const end of greedy) if (typeof end === "function") end();
    expect(waits("late", 1)).to.not.include("tooManyWaits");
  });

  it("end what is queued when the server ends, and remember nobody who has gone", async () => {
    const w = world({ atWorkMax: 1 });
    for (let at = 0; at < 100; at += 1) w.ask(`p${at}`);
    w.shares.failQueued(new StatusError("shuttingDown", "The end."));
    await w.clock.settle();
    expect(w.failed).to.have.length(99);
    w.begun[0]?.place.leave();
    expect(w.shares.underWay).to.equal(0);
    await w.clock.advance(limits.asksForMs);
    w.ask("other");
    expect(w.shares.remembered).to.equal(1);
  });
});
