/** The scheduler's small parts by value: Nova's operators, NUMA nodes, features, lists that are values. */
import { expect } from "chai";
import fc from "fast-check";
import { ClaimLog } from "../../../../actors/control/scheduler/claim-log.ts";
import { FactsOfRead, featureKey } from "../../../../actors/control/scheduler/facts.ts";
import { HostList } from "../../../../actors/control/scheduler/host-list.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { matcher, type Value } from "../../../../actors/control/scheduler/matching.ts";
import {
  type NumaDemand,
  numaDemand,
  numaNodesFor,
  placementFor,
} from "../../../../actors/control/scheduler/numa.ts";
import { type NumaNode, type NumaUse, useWith } from "../../../../protocol/numa.ts";
import { request } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

interface NumaHost {
  readonly numa: NumaNode[];
  readonly numaUse: NumaUse[];
}

/** The host's NUMA nodes with one guest more. */
function filled(host: NumaHost, demand: NumaDemand): NumaHost {
  const placement = placementFor(host, demand);
  return placement === undefined ? host : { ...host, numaUse: useWith(host.numaUse, placement, 1) };
}

describe(`scheduler: values (seed ${seed})`, () => {
  const matches: readonly (readonly [
    requirement: string,
    passing: readonly Value[],
    refused: readonly Value[],
  ])[] = [
    ["abc", ["abc"], ["ab", "abcd", ""]],
    ["= 12", ["12", "123", "12.5"], ["11", "x", ""]],
    ["== 12", ["12", "12.0"], ["13"]],
    ["!= 12", ["11"], ["12", "x"]],
    [">= 12", ["12", "13"], ["11"]],
    ["<= 12", ["12", "3"], ["13", ""]],
    ["s== 12", ["12"], ["12.0"]],
    ["s!= 12", ["12.0"], ["12"]],
    ["s< b", ["a"], ["b", "c"]],
    ["s<= b", ["a", "b"], ["c"]],
    ["s> b", ["c"], ["b", "a"]],
    ["s>= b", ["c", "b"], ["a"]],
    ["<in> bc", ["abcd", ["bc"]], ["acb", ["abcd"]]],
    ["<all-in> aes mmx", [["aes", "mmx", "sse"], "mmx aes"], [["aes"], "aes"]],
    ["<or> one <or> two", ["one", "two", ["two"]], ["three", "or", ["three"]]],
    [">=", [], ["1", ""]],
    ["<in>", [], ["x"]],
    ["<all-in>", [], [["x"]]],
    ["<or>", [], ["x"]],
  ];
  for (const [requirement, passing, refused] of matches)
    it(`"${requirement}" matches as in Nova`, () => {
      for (const value of passing) expect(matcher(requirement)(value), String(value)).to.equal(true);
      for (const value of refused) expect(matcher(requirement)(value), String(value)).to.equal(false);
    });

  it("a flag and Nova's trait of it are one feature", () => {
    expect(featureKey("HW_CPU_X86_SSE41")).to.equal(featureKey("sse4_1"));
    expect(featureKey("HW_CPU_X86_AVX512VNNI")).to.equal(featureKey("avx512-vnni"));
    expect(featureKey("CUSTOM_GPU")).to.not.equal(featureKey("gpu"));
  });

  it("lists that are alike are worked out once, others are not taken for them", () => {
    const facts = new FactsOfRead();
    expect(facts.features(["a", "b", "c"])).to.equal(facts.features(["a", "b", "c"]));
    expect([...facts.features(["a", "x", "c"])]).to.deep.equal(["a", "x", "c"]);
  });

  const pageSizes: readonly (readonly [string, unknown])[] = [
    ["2MB", 2_048],
    ["2048", 2_048],
    ["1GB", 1_048_576],
    ["1GiB", 1_048_576],
    ["large", "large"],
  ];
  for (const [text, page] of pageSizes)
    it(`the page size ${text} is ${page}`, () => {
      expect(numaDemand(request({ extraSpecs: { "hw:mem_page_size": text } }))).to.include({
        page,
        nodes: 1,
      });
    });

  it("what makes no sense is said, and what asks for nothing asks for nothing", () => {
    const demand = (extraSpecs: Record<string, string>) => numaDemand(request({ extraSpecs }));
    expect(demand({ "hw:mem_page_size": "4KB" })).to.equal(undefined);
    expect(demand({ "hw:mem_page_size": "huge" })).to.match(/is huge, which is no size of a page/);
    expect(demand({ "hw:cpu_policy": "mixed" })).to.match(/can be dedicated or shared/);
    expect(demand({ "hw:numa_nodes": "0" })).to.match(/whole number from 1/);
  });

  it("NUMA nodes fill one after the other, and what is taken is never more than there is", () => {
    const numa = [4, 4].map((vcpus) => ({
      vcpus,
      memoryMib: 4_096,
      hugePages: [{ sizeKib: 2_048, total: 1_024 }],
    }));
    const demand = numaDemand({
      vcpus: 2,
      memoryMib: 1_024,
      extraSpecs: { "hw:cpu_policy": "dedicated", "hw:mem_page_size": "2MB" },
    });
    if (typeof demand !== "object") throw new Error("It makes sense.");
    let host = { numa, numaUse: [] as NumaUse[] };
    for (const [index, node] of [0, 0, 1, 1].entries()) {
      expect(numaNodesFor(host, demand), String(index)).to.deep.equal([node]);
      host = filled(host, demand);
    }
    expect(numaNodesFor(host, demand)).to.equal(undefined);
    expect(host.numaUse.map(({ pinnedCpus }) => pinnedCpus)).to.deep.equal([4, 4]);
    expect(host.numaUse[0]?.hugePages).to.deep.equal([{ sizeKib: 2_048, claimed: 1_024 }]);
  });

  it("a NUMA node gives its CPUs once to guests that have them to themselves, and many times to others", () => {
    const numa: NumaNode[] = [{ vcpus: 4, memoryMib: 65_536, hugePages: [] }];
    const demand = (policy: string) =>
      numaDemand({ vcpus: 3, memoryMib: 512, extraSpecs: { "hw:numa_nodes": "1", "hw:cpu_policy": policy } });
    for (const [policy, times] of Object.entries({ dedicated: 1, shared: 3 })) {
      const asked = demand(policy);
      if (typeof asked !== "object") throw new Error("It makes sense.");
      let host = { numa, numaUse: [] as NumaUse[] };
      let placed = 0;
      while (placed < 3 && numaNodesFor(host, asked) !== undefined) {
        host = filled(host, asked);
        placed++;
      }
      expect(placed, policy).to.equal(times);
    }
  });

  it("a list of hosts is like an array, and a change leaves the one before as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 400 }), fc.nat(), (items, at) => {
        const list = HostList.of(items);
        const position = at % items.length;
        const changed = list.with(position, -1);
        expect([...changed]).to.deep.equal(items.with(position, -1));
        expect([...list]).to.deep.equal(items);
        expect(changed.at(position)).to.equal(-1);
        expect(list.at(items.length)).to.equal(undefined);
      }),
      { seed },
    );
  });

  it("logs of claims that began alike do not see each other's claims", () => {
    const claim = (atMs: number) => ({ hostId: "a", amounts: request(), sign: 1, atMs }) as const;
    const times = (log: ClaimLog) => [...log].map(({ atMs }) => atMs);
    const common = ClaimLog.none().add(claim(1)).add(claim(2));
    const [left, right] = [common.add(claim(3)), common.add(claim(4))];
    expect([times(common), times(left), times(right)]).to.deep.equal([
      [1, 2],
      [1, 2, 3],
      [1, 2, 4],
    ]);
    expect(times(left.since(2))).to.deep.equal([2, 3]);
    expect(times(left.since(9))).to.deep.equal([]);
    let log = common;
    for (let atMs = 3; atMs < 3 * schedulerLimits.schedulerPendingMax; atMs++) log = log.add(claim(atMs));
    expect(log).to.have.length(schedulerLimits.schedulerPendingMax);
  });
});
