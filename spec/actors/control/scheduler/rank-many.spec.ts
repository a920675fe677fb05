/** Ranking for many: the same answers as one after the other, by either way; or as many as fit. */
import { expect } from "chai";
import fc from "fast-check";
import { decide } from "../../../../actors/control/scheduler/decide.ts";
import { explain } from "../../../../actors/control/scheduler/explain.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import type {
  PlacementRequest,
  Rankings,
  RankManyQuestion,
} from "../../../../actors/control/scheduler/messages.ts";
import { Prepared } from "../../../../actors/control/scheduler/prepare.ts";
import { rank } from "../../../../actors/control/scheduler/rank.ts";
import { rankMany, rankOneByOne, rankOnLadder } from "../../../../actors/control/scheduler/rank-many.ts";
import { createScheduler } from "../../../../actors/control/scheduler/schedule.ts";
import { type SchedulerState, withClaim, withHost } from "../../../../actors/control/scheduler/state.ts";
import { host, knowing, refresh, reply, request, scheduler } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const timed = (changes: Partial<PlacementRequest> = {}) => ({ ...request(changes), atMs: 1 });

/** The reference for rankMany: rank, claim, and rank again. */
function repeated(state: SchedulerState, asked: ReturnType<typeof timed>, count: number) {
  const all = [];
  let [supposed, next] = [state, asked];
  while (all.length < count) {
    const found = rank(scheduler, supposed, next);
    const [first] = found;
    if (first === undefined) break;
    all.push(found);
    const turned = { ...supposed, turn: supposed.turn + 1 };
    supposed = withHost(turned, first.hostId, (view) => withClaim(view, asked, 1));
    if (next.group !== undefined)
      next = { ...next, group: { ...next.group, hostIds: [...next.group.hostIds, first.hostId] } };
  }
  return { all, supposed };
}

const anyHost = fc.record({
  vcpus: fc.integer({ min: 0, max: 6 }),
  vcpusClaimed: fc.nat(3),
  memoryMib: fc.constantFrom(2_048, 4_096),
  enabled: fc.constantFrom(true, true, true, false),
  ioOps: fc.nat(2),
  aggregates: fc.constantFrom(
    [],
    [{ id: "x", name: "x", availabilityZone: null, metadata: { ram_weight_multiplier: "3" } }],
    [{ id: "y", name: "y", availabilityZone: "az1", metadata: { max_instances_per_host: "2" } }],
  ),
  numa: fc.constantFrom([], [{ vcpus: 3, memoryMib: 2_048, hugePages: [] }]),
});
const anyRequest = fc.record(
  {
    vcpus: fc.constantFrom(1, 1, 2),
    availabilityZone: fc.constantFrom("nova", "az1"),
    extraSpecs: fc.constantFrom({}, { "hw:cpu_policy": "dedicated" }, { "hw:numa_nodes": "1" }),
    group: fc.record({
      id: fc.constant("g"),
      policy: fc.constantFrom("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"),
      hostIds: fc.array(
        fc.nat(20).map((index) => `h${String(index).padStart(3, "0")}`),
        { maxLength: 4 },
      ),
      maxPerHost: fc.constantFrom(1, 2),
    }),
  },
  { requiredKeys: ["vcpus"] },
);
const anyWorld = fc.record({
  hosts: fc.oneof(fc.array(anyHost, { maxLength: 4 }), fc.array(anyHost, { maxLength: 150, size: "max" })),
  asked: anyRequest,
  count: fc.nat(60),
  turn: fc.nat(300),
});

describe(`scheduler: many at once (seed ${seed})`, () => {
  const stateOf = (hosts: readonly object[], turn: number): SchedulerState => {
    const records = hosts.map((one, index) => host(`h${String(index).padStart(3, "0")}`, one));
    return { ...knowing(...records), turn };
  };

  for (const [name, way] of Object.entries({ "one by one": rankOneByOne, "on a ladder": rankOnLadder }))
    it(`ranks ${name} as ranking and claiming again and again does`, () => {
      fc.assert(
        fc.property(anyWorld, ({ hosts, asked, count, turn }) => {
          const state = stateOf(hosts, turn);
          const { all, supposed } = repeated(state, timed(asked), count);
          const many = way(new Prepared(scheduler, timed(asked)), state, count);
          expect(many.candidates).to.deep.equal(all);
          expect([...many.supposed.hosts]).to.deep.equal([...supposed.hosts]);
          expect(many.supposed.turn).to.equal(supposed.turn);
        }),
        { seed },
      );
    });

  it("no host takes more than it has, however many are asked for", () => {
    fc.assert(
      fc.property(anyWorld, ({ hosts, asked, turn }) => {
        const before = stateOf(hosts, turn);
        const { candidates, supposed } = rankMany(scheduler, before, timed(asked), 1_000);
        for (const [index, { capacity, claimed, pinnedCpus, realCpus }] of [...supposed.hosts].entries()) {
          if (claimed.vcpus === before.hosts.at(index)?.claimed.vcpus) continue;
          expect(claimed.vcpus).to.be.at.most(capacity.vcpus);
          expect(claimed.memoryMib).to.be.at.most(capacity.memoryMib);
          if (pinnedCpus > 0) expect(pinnedCpus).to.be.at.most(realCpus);
        }
        const maxPerHost = asked.group?.maxPerHost ?? 1;
        if (asked.group?.policy !== "anti-affinity") return;
        const placed = candidates.map(([first]) => first?.hostId);
        for (const id of placed)
          expect([...asked.group.hostIds, ...placed].filter((one) => one === id).length).to.be.at.most(
            maxPerHost,
          );
      }),
      { seed },
    );
  });

  it("keeps a new group together, or apart, counting those it has just placed", () => {
    const hosts = ["a", "b", "c"].map((id) => host(id));
    const first = (policy: "affinity" | "anti-affinity") =>
      rankMany(
        scheduler,
        knowing(...hosts),
        timed({ group: { id: "g", policy, hostIds: [] } }),
        5,
      ).candidates.map(([one]) => one?.hostId);
    expect(new Set(first("affinity")).size).to.equal(1);
    expect(first("affinity")).to.have.length(5);
    expect(first("anti-affinity").sort()).to.deep.equal(["a", "b", "c"]);
  });

  describe("on a storage that hosts share", () => {
    const storage = { diskGib: 10, diskGibClaimed: 4 };
    const sharing = ["a", "b", "c"].map((id) => host(id, { storageId: "s", storage, diskGib: 1 }));
    const own = host("d", { diskGib: 3 });
    const placed = (count: number, diskGib: number) =>
      rankMany(scheduler, knowing(...sharing, own), timed({ diskGib }), count).candidates.map(
        ([first]) => first?.hostId,
      );

    for (const count of [8, 100])
      it(`counts the disks of all its hosts together, of ${count} that are asked for`, () => {
        const hosts = placed(count, 2);
        expect(
          hosts.filter((id) => id !== "d"),
          "on the storage",
        ).to.have.length(3);
        expect(
          hosts.filter((id) => id === "d"),
          "on the host with its own",
        ).to.have.length(1);
        expect(placed(count, 7)).to.deep.equal([]);
      });

    it("takes what has no disk, however full it is", () => {
      expect(placed(5, 0)).to.have.length(5);
    });

    it("is left, and moved to, however much more is claimed than it has", () => {
      const shrunk = sharing.map((one) => ({ ...one, storage: { diskGib: 10, diskGibClaimed: 50 } }));
      const moved = timed({ diskGib: 0, storageId: "s" });
      expect(rank(scheduler, knowing(...shrunk), moved)).to.have.length(3);
      expect(explain(scheduler, knowing(...shrunk), moved).every(({ fits }) => fits)).to.equal(true);
      expect(rankMany(scheduler, knowing(...shrunk), moved, 40).candidates).to.have.length(24);
      expect(rank(scheduler, knowing(...shrunk), timed({ diskGib: 1 }))).to.deep.equal([]);
    });

    it("says in numbers why not more", () => {
      const question = { kind: "rankMany", request: request({ diskGib: 2 }), count: 5, reply } as const;
      const waits = decide(scheduler, knowing(...sharing), question, 1);
      const [answer] = decide(scheduler, waits.next, refresh(sharing, 1), 2).answers;
      expect(answer)
        .to.have.nested.property("answer.denial.message")
        .that.matches(/^3 of 5 instances find room; at the 4th: /)
        .and.includes("2 GiB are asked for, 0 are free");
    });
  });

  describe("as many as fit", () => {
    const room = [host("a", { vcpus: 2 }), host("b", { vcpus: 1 })];
    const asking = (changes: Partial<RankManyQuestion>) => {
      const question: RankManyQuestion = {
        kind: "rankMany",
        request: request(),
        count: 5,
        reply,
        ...changes,
      };
      const waits = decide(scheduler, knowing(...room), question, 1);
      expect(waits.answers).to.deep.equal([]);
      const [answer] = decide(scheduler, waits.next, refresh(room, 1), 2).answers;
      return answer?.kind === "rankMany" ? answer.answer : undefined;
    };
    const placed = (answer: Rankings | undefined) =>
      answer?.kind === "ranked" ? answer.candidates.length : 0;

    it("answers with fewer, and says why not more, once a fresh read says the same", () => {
      const answer = asking({ as: "asManyAsFit" });
      expect(placed(answer)).to.equal(3);
      expect(answer)
        .to.have.nested.property("rest.message")
        .that.matches(/^3 of 5 instances find room; at the 4th: /);
    });

    it("denies when these are fewer than there must be, or when all are wanted", () => {
      expect(asking({ as: "asManyAsFit", countMin: 4 })).to.have.property("kind", "denied");
      expect(placed(asking({ as: "asManyAsFit", countMin: 3 }))).to.equal(3);
      expect(asking({ as: "all" })).to.have.property("kind", "denied");
    });

    it("denies when there is room for none", () => {
      const question: RankManyQuestion = {
        kind: "rankMany",
        request: request({ vcpus: 9 }),
        count: 2,
        reply,
        as: "asManyAsFit",
      };
      const waits = decide(scheduler, knowing(...room), question, 1);
      const [answer] = decide(scheduler, waits.next, refresh(room, 1), 2).answers;
      expect(answer).to.have.nested.property("answer.kind", "denied");
    });
  });

  it("a thousand on ten thousand hosts are ranked, on equal hosts in turn", () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => host(`h${String(index).padStart(5, "0")}`));
    const { candidates } = rankMany(createScheduler(), knowing(...hosts), timed(), 1_000);
    expect(new Set(candidates.map(([first]) => first?.hostId)).size).to.equal(1_000);
    expect(candidates[0]).to.have.length(schedulerLimits.candidatesMax);
  });
});
