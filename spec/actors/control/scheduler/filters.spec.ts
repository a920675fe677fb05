/** Every filter by value: which hosts it passes and refuses, with which reason and which remedy. */
import { expect } from "chai";
import fc from "fast-check";
import { explain } from "../../../../actors/control/scheduler/explain.ts";
import { filters } from "../../../../actors/control/scheduler/filters/index.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { rank } from "../../../../actors/control/scheduler/rank.ts";
import { createScheduler } from "../../../../actors/control/scheduler/schedule.ts";
import { type Case, hostCases } from "./filter-cases.ts";
import { flavorCases } from "./filter-cases-flavor.ts";
import { networkCases } from "./filter-cases-networks.ts";
import { volumeCases } from "./filter-cases-volumes.ts";
import { following, host, knowing, request, scheduler } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const cases = [...hostCases, ...networkCases, ...volumeCases, ...flavorCases];

/** The verdict on host a, beside a host that is heard from. */
const verdictOn = ({ host: changes, full, room, asked }: Case) => {
  const known = knowing(host("a", changes), host("beside"));
  const heard = { kind: "heard", hostId: "a" } as const;
  const said = [
    ...(full === undefined ? [] : [{ ...heard, full }]),
    ...(room === undefined ? [] : [{ ...heard, room }]),
  ];
  const state = following(known, said).next;
  return explain(scheduler, state, { ...request(asked), atMs: 1 }).find(({ hostId }) => hostId === "a");
};

describe(`scheduler: filters (seed ${seed})`, () => {
  for (const one of cases) {
    const { filter, when, reason, remedy } = one;
    it(`${filter} ${reason === undefined ? "passes" : "refuses"} a host: ${when}`, () => {
      const verdict = verdictOn(one);
      const refusing = Object.entries(verdict?.filters ?? {}).filter(([, result]) => result !== true);
      expect(refusing).to.deep.equal(reason === undefined ? [] : [[filter, reason]]);
      expect(verdict?.fits).to.equal(reason === undefined);
      expect(verdict?.remedy).to.equal(remedy);
    });
  }

  it("each has a case in which it alone refuses, and is silent when it is not concerned", () => {
    const refusing = new Set(cases.filter(({ reason }) => reason !== undefined).map(({ filter }) => filter));
    expect([...refusing].sort()).to.deep.equal(filters.map(({ name }) => name).sort());
    const [verdict] = explain(scheduler, knowing(host("a")), { ...request(), atMs: 1 });
    expect(Object.keys(verdict?.filters ?? {})).to.have.members([
      ...["enabled", "lease", "alive", "space", "ram", "cpu", "disk", "diskRoom", "architecture"],
      ...["ioOps", "instances", "aggregateImages", "pinning"],
    ]);
  });

  it("several against one host are all told, with all that would be needed", () => {
    const verdict = verdictOn({ filter: "", when: "", host: { enabled: false, vcpusClaimed: 8 }, asked: {} });
    expect(verdict?.remedy).to.equal("enable the host, and free 1 vCPU more");
  });

  const anyCase = fc.constantFrom(...cases);

  it("the order in which they are asked changes no ranking", () => {
    const shuffled = fc.shuffledSubarray(
      filters.map(({ name }) => name),
      { minLength: filters.length },
    );
    fc.assert(
      fc.property(
        shuffled,
        fc.array(anyCase, { maxLength: 150 }),
        anyCase,
        fc.nat(200),
        (order, hosts, { asked }, turn) => {
          const state = { ...knowing(...hosts.map((one, index) => host(`h${index}`, one.host))), turn };
          const timed = { ...request(asked), atMs: 1 };
          expect(rank(createScheduler({ filters: order }), state, timed)).to.deep.equal(
            rank(scheduler, state, timed),
          );
        },
      ),
      { seed },
    );
  });

  it("a ranking offers exactly the hosts that the explanation says fit, with the same scores", () => {
    fc.assert(
      fc.property(fc.array(anyCase, { maxLength: 12 }), anyCase, fc.nat(20), (hosts, { asked }, turn) => {
        const ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        const state = { ...knowing(...hosts.map((one, index) => host(ids[index] ?? "", one.host))), turn };
        const timed = { ...request(asked), atMs: 1 };
        const verdicts = explain(scheduler, state, timed).filter(({ fits }) => fits);
        const ranked = rank(scheduler, state, timed);
        expect(ranked).to.have.length(Math.min(verdicts.length, schedulerLimits.candidatesMax));
        const told = new Map(verdicts.map(({ hostId, score }) => [hostId, score]));
        for (const { hostId, score } of ranked) expect(told.get(hostId)).to.equal(score);
      }),
      { seed },
    );
  });
});
