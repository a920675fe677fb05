/** Which hosts are candidates, in which order, and why others are not: by value, and for random clusters. */
import { expect } from "chai";
import fc from "fast-check";
import { explain, noValidHost } from "../../../../actors/control/scheduler/explain.ts";
import { filters } from "../../../../actors/control/scheduler/filters/index.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { rank } from "../../../../actors/control/scheduler/rank.ts";
import { createScheduler } from "../../../../actors/control/scheduler/schedule.ts";
import { weighers } from "../../../../actors/control/scheduler/weighers/index.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import { host, hostIds, knowing, ranking, request, scheduler } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const at = (atMs: number, changes = {}) => ({ ...request(changes), atMs });

describe(`scheduler: ranking (seed ${seed})`, () => {
  it("prefers the host with the larger free share of memory and CPUs", () => {
    const state = knowing(host("a", { memoryMibClaimed: 4_096 }), host("b"), host("c", { vcpusClaimed: 6 }));
    expect(hostIds(ranking(state))).to.deep.equal(["b", "a", "c"]);
  });

  const refusals: readonly [string, Parameters<typeof host>[1], Parameters<typeof request>[0], RegExp][] = [
    ["enabled", { enabled: false, disabledReason: "new disk" }, {}, /the host is disabled$/],
    ["alive", { lastSeenAtMs: 0 }, {}, /not been heard from/],
    ["ram", { memoryMibClaimed: 8_000 }, {}, /512 MiB are asked for, 192 are free/],
    ["cpu", { vcpusClaimed: 8 }, {}, /1 vCPU is asked for, 0 are free/],
    ["disk", { diskGib: 0 }, {}, /1 GiB is asked for, 0 are free/],
    ["architecture", { architecture: "aarch64" }, {}, /image is for x86_64, the host is aarch64/],
    ["excluded", {}, { excluded: [{ hostId: "a", reason: "disk full" }] }, /failed .* before: disk full/],
  ];
  for (const [filter, changes, asked, sentence] of refusals) {
    it(`the filter ${filter} alone refuses what it is for, and says why`, () => {
      const verdicts = explain(scheduler, knowing(host("a", changes), host("b")), at(1, asked));
      const verdict = verdicts.find(({ hostId }) => hostId === "a");
      const refusing = Object.entries(verdict?.filters ?? {}).filter(([, result]) => result !== true);
      expect(refusing.map(([name]) => name)).to.deep.equal([filter]);
      expect(refusing[0]?.[1]).to.match(sentence);
      expect(verdict).to.include({ fits: false, score: 0 });
    });
  }

  it("the filter image refuses another hypervisor and too small a flavor", () => {
    const state = knowing(host("a"));
    const image = { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 } as const;
    const cases = [
      { image: { ...image, hypervisor: "fake" } },
      { image: { ...image, memoryMibMin: 1_024 } },
      { image: { ...image, diskGibMin: 2 } },
    ];
    for (const asked of cases) expect(rank(scheduler, state, at(1, asked))).to.deep.equal([]);
    const imagesOwnSize = { image: { ...image, diskGibMin: 2 }, diskGib: 0 };
    expect(rank(scheduler, state, at(1, imagesOwnSize))).to.have.length(1);
  });

  it("a host is alive for hostSilentMs and not a millisecond longer", () => {
    const state = knowing(host("a"));
    expect(rank(scheduler, state, at(leaseLimits.hostSilentMs))).to.have.length(1);
    expect(rank(scheduler, state, at(leaseLimits.hostSilentMs + 1))).to.deep.equal([]);
  });

  it("denies with the number of hosts that each filter refused, and an example", () => {
    const state = knowing(
      host("a", { enabled: false }),
      host("b", { vcpusClaimed: 8 }),
      host("c", { vcpus: 0 }),
    );
    const denial = noValidHost(scheduler, state, at(1));
    expect(denial.message).to.equal(
      "No host fits: of 3, the filter cpu refused 2 (name-b: 1 vCPU is asked for, 0 are free), " +
        "the filter enabled refused 1 (name-a: the host is disabled). " +
        "To use name-a, enable the host.",
    );
    expect(denial.details).to.have.length(3);
  });

  it("does not look at every host again for the same request by the same views", () => {
    const state = knowing(host("a", { vcpusClaimed: 8 }));
    expect(noValidHost(scheduler, state, at(1))).to.equal(noValidHost(scheduler, state, at(1)));
    expect(noValidHost(scheduler, state, at(1, { vcpus: 2 })).message).to.match(/2 vCPUs are asked for/);
    const lessStrict = createScheduler({ filters: ["ram"] });
    expect(noValidHost(lessStrict, state, at(1)).message).to.not.match(/filter cpu/);
    const other = knowing(host("a", { enabled: false }));
    expect(noValidHost(scheduler, other, at(1)).message).to.match(/the filter enabled refused 1/);
  });

  it("says so when no host is registered at all", () => {
    expect(noValidHost(scheduler, knowing(), at(1)).message).to.equal("No host fits: no host is registered.");
  });

  it("an unknown filter or weigher is an error that lists what there is", () => {
    expect(() => createScheduler({ filters: ["enabled", "rma"] })).to.throw(
      /filter "rma". There are: enabled,/,
    );
    expect(() => createScheduler({ weighers: { luck: 1 } })).to.throw(
      /weigher "luck". There are: freeRam, freeCpu/,
    );
  });

  it("multipliers decide which weigher matters, also against its sense", () => {
    const state = knowing(host("a", { memoryMibClaimed: 4_096 }), host("b", { vcpusClaimed: 4 }));
    const first = (multipliers: Record<string, number>) =>
      rank(createScheduler({ weighers: multipliers }), state, at(1))[0]?.hostId;
    expect(first({ freeRam: 1, freeCpu: 0 })).to.equal("b");
    expect(first({ freeRam: 0, freeCpu: 1 })).to.equal("a");
    expect(first({ freeRam: -1 })).to.equal("a");
  });

  it("every filter and weigher has a name of its own", () => {
    const names = [...filters, ...weighers].map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  const anyHost = fc.record({
    vcpus: fc.nat(16),
    memoryMib: fc.nat(16_384),
    diskGib: fc.nat(100),
    vcpusClaimed: fc.nat(16),
    memoryMibClaimed: fc.nat(16_384),
    diskGibClaimed: fc.nat(100),
    enabled: fc.boolean(),
    architecture: fc.constantFrom("x86_64", "aarch64"),
    lastSeenAtMs: fc.constantFrom(0, 1_000_000),
  });
  const anyRequest = fc.record({
    vcpus: fc.integer({ min: 1, max: 8 }),
    memoryMib: fc.nat(4_096),
    diskGib: fc.nat(50),
  });
  const anyWorld = fc.tuple(fc.array(anyHost, { maxLength: 40 }), anyRequest, fc.nat(100));

  /** A request for none of an amount fits, also where more is claimed than there is. */
  const hasRoom = (asked: number, free: number): boolean => asked === 0 || free >= asked;

  it("never offers a host that does not fit, and offers as many as it may of those that do", () => {
    fc.assert(
      fc.property(anyWorld, ([shapes, asked, turn]) => {
        const hosts = shapes.map((shape, index) => host(`h${index}`, shape));
        const someSeen = hosts.some(({ lastSeenAtMs }) => lastSeenAtMs > 0);
        const good = hosts.filter(
          (one) =>
            one.enabled &&
            one.architecture === "x86_64" &&
            (one.lastSeenAtMs > 0 || !someSeen) &&
            hasRoom(asked.vcpus, one.vcpus - one.vcpusClaimed) &&
            hasRoom(asked.memoryMib, one.memoryMib - one.memoryMibClaimed) &&
            hasRoom(asked.diskGib, one.diskGib - one.diskGibClaimed),
        );
        const candidates = rank(scheduler, { ...knowing(...hosts), turn }, at(1, asked));
        const ids = candidates.map(({ hostId }) => hostId);
        expect(good.map(({ id }) => id)).to.include.members(ids);
        expect(ids).to.have.length(Math.min(good.length, schedulerLimits.candidatesMax));
        expect(new Set(ids).size).to.equal(ids.length);
      }),
      { seed },
    );
  });

  it("the explanation agrees with the ranking: same hosts, same order, same scores", () => {
    fc.assert(
      fc.property(anyWorld, ([shapes, asked, turn]) => {
        const state = { ...knowing(...shapes.map((shape, index) => host(`h${index}`, shape))), turn };
        const ranked = rank(scheduler, state, at(1, asked));
        const verdicts = explain(scheduler, state, at(1, asked));
        const explained = verdicts.slice(0, ranked.length).map(({ hostId, score }) => ({ hostId, score }));
        expect(explained).to.deep.equal(ranked);
        for (const { fits, filters: results } of verdicts)
          expect(fits).to.equal(Object.values(results).every((result) => result === true));
        if (ranked.length === 0) expect(verdicts.some(({ fits }) => fits)).to.equal(false);
      }),
      { seed },
    );
  });

  it("explains no more hosts than a body should hold", () => {
    const hosts = Array.from({ length: 2_000 }, (_, index) => host(`h${index}`, { vcpus: index % 2 }));
    const verdicts = explain(scheduler, knowing(...hosts), at(1));
    expect(verdicts).to.have.length(schedulerLimits.hostVerdictsMax);
    expect(JSON.stringify(verdicts).length).to.be.below(wireLimits.bodyBytesMax / 4);
  });
});
