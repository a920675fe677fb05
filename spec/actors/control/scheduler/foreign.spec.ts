/** Filters and weighers of plug-ins: they count as ours do, and whatever they do, the scheduler goes on. */
import { expect } from "chai";
import { explain, noValidHost } from "../../../../actors/control/scheduler/explain.ts";
import {
  type Check,
  efforts,
  type Filter,
  type HostFilter,
  type RequestFilter,
} from "../../../../actors/control/scheduler/filters/filter.ts";
import { ForeignFaults } from "../../../../actors/control/scheduler/foreign-faults.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { rank } from "../../../../actors/control/scheduler/rank.ts";
import { createScheduler } from "../../../../actors/control/scheduler/schedule.ts";
import type { HostWeigher, Weigher } from "../../../../actors/control/scheduler/weighers/weigher.ts";
import { type Noted, rememberingLog } from "../../../support/wire-world.ts";
import { host, knowing, request } from "./worlds.ts";

const at = { ...request(), atMs: 1 };
const refusal = { reason: "the host is hot", remedy: "cool the host" };
const hostFilter = (check: Check): HostFilter => ({ name: "acme.cool", effort: efforts.waiting, check });
const requestFilter = (parts: Omit<RequestFilter, "name" | "effort">): RequestFilter => ({
  ...{ name: "acme.cool", effort: efforts.waiting },
  ...parts,
});
const weigher = (weigh: HostWeigher["weigh"]): Weigher => ({
  ...{ name: "acme.cooler", novaName: "acme_cooler", multiplier: 100, weigh },
});
/** What a plug-in that the compiler has not seen may answer. */
const wrong = <T>(value: unknown): T => value as T;
const fails: () => never = () => {
  throw new Error("division\nby zero");
};

const scheduling = (filters: readonly Filter[], weighers: readonly Weigher[] = []) => {
  const noted: [string, string][] = [];
  const foreign = { filters, weighers };
  const scheduler = createScheduler({ foreign, note: (name, what) => noted.push([name, what]) });
  return { scheduler, noted };
};

describe("scheduler: what plug-ins bring", () => {
  it("is asked after ours when nothing is chosen, and explains itself as ours does", () => {
    const cool = hostFilter(({ id }) => id === "b" || (() => refusal));
    const { scheduler, noted } = scheduling([cool]);
    const state = knowing(host("a"), host("b"));
    expect(scheduler.filters.at(-1)?.name).to.equal("acme.cool");
    expect(rank(scheduler, state, at).map(({ hostId }) => hostId)).to.deep.equal(["b"]);
    const verdict = explain(scheduler, state, at).find(({ hostId }) => hostId === "a");
    expect(verdict).to.deep.include({ fits: false, remedy: "cool the host" });
    expect(verdict?.filters).to.include({ enabled: true, "acme.cool": "the host is hot" });
    expect(noValidHost(scheduler, knowing(host("a")), at).message).to.contain(
      "the filter acme.cool refused 1 (name-a: the host is hot). To use name-a, cool the host.",
    );
    expect(noted).to.deep.equal([]);
  });

  it("tells in an explanation what it says of hosts, and never in a denial", () => {
    const { scheduler } = scheduling([hostFilter(({ id }) => id === "b" || (() => refusal))]);
    const state = knowing(host("a", { facts: { acme: { celsius: 40 } } }), host("b"));
    const told = explain(scheduler, state, at).map(({ hostId, facts }) => [hostId, facts]);
    expect(told).to.deep.equal([
      ["b", undefined],
      ["a", { acme: { celsius: 40 } }],
    ]);
    const alone = knowing(host("a", { facts: { acme: { celsius: 40 } } }));
    expect(JSON.stringify(noValidHost(scheduler, alone, at))).to.not.contain("celsius");
  });

  it("says of the first hosts only what one answer can hold", () => {
    const { scheduler } = scheduling([]);
    const large = { acme: "x".repeat(schedulerLimits.explainedFactsBytesMax / 4) };
    const hosts = ["a", "b", "c", "d", "e"].map((id) => host(id, { facts: large }));
    const told = explain(scheduler, knowing(...hosts), at).map(({ facts }) => facts !== undefined);
    expect(told).to.deep.equal([true, true, true, false, false]);
  });

  it("weighs with its multiplier", () => {
    const { scheduler } = scheduling([], [weigher(({ id }) => (id === "b" ? 1 : -1))]);
    const ranked = rank(scheduler, knowing(host("a"), host("b", { vcpusClaimed: 6 })), at);
    expect(ranked.map(({ hostId }) => hostId)).to.deep.equal(["b", "a"]);
  });

  const failing: Readonly<Record<string, readonly [Filter, RegExp]>> = {
    "throws in its check": [hostFilter(fails), /^division by zero$/],
    "answers undefined": [hostFilter(wrong(() => undefined)), /neither true nor a refusal/],
    "answers false": [hostFilter(wrong(() => false)), /neither true nor a refusal/],
    "answers a promise that is rejected": [
      hostFilter(wrong(() => Promise.reject(new Error("late")))),
      /answers a promise/,
    ],
    "throws what has no words": [
      hostFilter(() => {
        throw { toString: fails };
      }),
      /^something without words$/,
    ],
    "throws while it prepares": [requestFilter({ prepare: fails }), /^division by zero$/],
    "prepares nothing that can check": [requestFilter({ prepare: wrong(() => 5) }), /prepares no check/],
    "throws in the check that it prepared": [requestFilter({ prepare: () => fails }), /^division by zero$/],
  };
  for (const [what, [filter, words]] of Object.entries(failing))
    it(`refuses the host and is named when a filter ${what}`, () => {
      const { scheduler, noted } = scheduling([filter]);
      const state = knowing(host("a"));
      expect(rank(scheduler, state, at)).to.deep.equal([]);
      const [verdict] = explain(scheduler, state, at);
      expect(verdict?.filters["acme.cool"]).to.equal("the filter acme.cool failed");
      expect(verdict?.remedy).to.contain("have an operator mend the plug-in of the filter acme.cool");
      for (const [name, said] of noted) {
        expect(name).to.equal("acme.cool");
        expect(said).to.match(words);
      }
      expect(noted).to.not.have.length(0);
    });

  it("refuses only the host that a filter fails for", () => {
    const { scheduler } = scheduling([hostFilter(({ id }) => id === "b" || fails())]);
    const ranked = rank(scheduler, knowing(host("a"), host("b")), at);
    expect(ranked.map(({ hostId }) => hostId)).to.deep.equal(["b"]);
  });

  it("refuses all that a filter decides until the first facts of its plug-in are there", () => {
    for (const filter of [hostFilter(() => true), requestFilter({ prepare: () => () => true })]) {
      const { scheduler, noted } = scheduling([filter]);
      const awaiting = knowing(host("a", { factsAwaited: ["acme"] }));
      expect(rank(scheduler, awaiting, at)).to.deep.equal([]);
      const [verdict] = explain(scheduler, awaiting, at);
      expect(verdict?.filters["acme.cool"]).to.equal("what acme knows of the hosts is not there yet");
      expect(rank(scheduler, knowing(host("a", { factsAwaited: ["other"] })), at)).to.have.length(1);
      expect(noted).to.deep.equal([]);
    }
  });

  it("forgets a fault of a filter with its request", () => {
    let asked = 0;
    const once = hostFilter(() => {
      asked += 1;
      return asked === 1 ? fails() : true;
    });
    const { scheduler, noted } = scheduling([once]);
    const state = knowing(host("a"));
    expect(rank(scheduler, state, at)).to.deep.equal([]);
    expect(rank(scheduler, state, at)).to.have.length(1);
    expect(noted).to.have.length(1);
  });

  it("still refuses when a filter has no words for it, or fails to name the only hosts", () => {
    const speechless = scheduling([hostFilter(() => fails)]);
    expect(explain(speechless.scheduler, knowing(host("a")), at)[0]?.filters).to.include({
      "acme.cool": "the filter acme.cool failed",
    });
    const wordless = scheduling([hostFilter(() => wrong(() => ({ reason: 5 })))]);
    expect(explain(wordless.scheduler, knowing(host("a")), at)[0]?.remedy).to.contain("mend the plug-in");
    const unlisted = scheduling([requestFilter({ only: fails, prepare: () => () => true })]);
    expect(rank(unlisted.scheduler, knowing(host("a")), at)).to.have.length(1);
    expect(unlisted.noted).to.deep.equal([["acme.cool", "division by zero"]]);
  });

  const badly: Readonly<Record<string, () => number>> = {
    throws: fails,
    "answers NaN": () => Number.NaN,
    "answers more than 1": () => 1e300,
    "answers a text": wrong(() => "heavy"),
    "answers a promise": wrong(async () => 1),
  };
  for (const [what, weigh] of Object.entries(badly))
    it(`counts 0 and is named when a weigher ${what}`, () => {
      const { scheduler, noted } = scheduling([], [weigher(weigh)]);
      const state = knowing(host("a", { memoryMibClaimed: 4_096 }), host("b"));
      expect(rank(scheduler, state, at)).to.deep.equal(rank(createScheduler(), state, at));
      expect(noted[0]?.[0]).to.equal("acme.cooler");
      const named = { name: "acme.near", novaName: "near", multiplier: 1 };
      const grouped = scheduling([], [{ ...named, policy: "soft-affinity", weighCount: weigh }]);
      const group = { id: "g", policy: "soft-affinity", hostIds: ["b"] } as const;
      expect(rank(grouped.scheduler, state, { ...at, group })).to.have.length(2);
      expect(grouped.noted[0]?.[0]).to.equal("acme.near");
    });

  it("is asked again about a host that stays as it is, some time after it has failed, and not before", () => {
    let asked = 0;
    const seldom = weigher(({ id }) => {
      asked += 1;
      if (asked <= 2) throw new Error("not yet");
      return id === "b" ? 1 : 0;
    });
    const { scheduler } = scheduling([], [seldom]);
    const state = knowing(host("a"), host("b"));
    const first = (afterMs: number) => rank(scheduler, state, { ...at, atMs: at.atMs + afterMs })[0]?.hostId;
    const { failedWeigherRetryMs } = schedulerLimits;
    expect(first(0)).to.equal("a");
    expect([first(failedWeigherRetryMs - 1), asked]).to.deep.equal(["a", 2]);
    expect(first(failedWeigherRetryMs)).to.equal("b");
    const then = asked;
    expect(first(failedWeigherRetryMs + 1_000)).to.equal("b");
    expect(asked, "what has not failed stays as it was worked out").to.equal(then);
  });
});

describe("scheduler: faults of plug-ins", () => {
  it("are told once a minute, counted, and remembered for the doctor as long as they are young", () => {
    let nowMs = 0;
    const lines: Noted[] = [];
    const faults = new ForeignFaults({ clock: { monotonicMs: () => nowMs }, log: rememberingLog(lines) });
    for (let count = 0; count < 1_000; count += 1) faults.note("acme.cool", `fault ${count}`);
    expect(lines.map(({ fields }) => fields)).to.deep.equal([
      { part: "acme.cool", what: "fault 0", untold: 0 },
    ]);
    nowMs += schedulerLimits.faultLogPeriodMs;
    faults.note("acme.cool", "again");
    expect(lines.at(-1)?.fields).to.deep.equal({ part: "acme.cool", what: "again", untold: 999 });
    expect(faults.lately()).to.deep.equal([{ name: "acme.cool", what: "again" }]);
    nowMs += schedulerLimits.faultShownMs;
    expect(faults.lately()).to.deep.equal([]);
  });
});
