/** CPUs, nodes and pages of guests, by value: how they are chosen, written down, read back and kept apart. */
import { expect } from "chai";
import { qemuArguments } from "../../../nodes/drivers/qemu/arguments.ts";
import { choosePins, cpuPlan, pinsOfArgv } from "../../../nodes/drivers/qemu/pins.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import { machineSpec } from "../../support/driver-world.ts";

/** Linux's numbers of NUMA nodes have gaps; positions have none. */
const nodes = [
  { node: 0, cpus: [0, 1, 4, 5] },
  { node: 2, cpus: [2, 3] },
];
const placement = (dedicated: boolean, count: number, change: object = {}): NumaPlacement => ({
  dedicated,
  nodes: Array.from({ length: count }, (_, node) => ({ node, vcpus: 2, memoryMib: 128, ...change })),
});
const bare = {
  accelerator: "tcg",
  disk: undefined,
  direct: false,
  base: undefined,
  kernel: undefined,
  ramdisk: undefined,
  firmware: undefined,
} as const;

function argumentsFor(numa: NumaPlacement, taken: readonly number[] = []) {
  const pins = choosePins(numa, nodes, new Set(taken));
  const size = { vcpus: 2 * numa.nodes.length, memoryMib: 128 * numa.nodes.length };
  return { pins, argv: qemuArguments({ ...bare, spec: machineSpec({ ...size, numa }), pins }) };
}

const valuesOf = (argv: readonly string[], option: string) =>
  argv.flatMap((text, index) => (argv[index - 1] === option ? [text] : []));
const objectsOf = (argv: readonly string[]) =>
  valuesOf(argv, "-object")
    .filter((text) => text.startsWith("{"))
    .map((text): unknown => JSON.parse(text));

describe("the CPUs and nodes of a guest", () => {
  it("are the first of each NUMA node that are nobody's own", () => {
    expect(choosePins(placement(true, 2), nodes, new Set([0, 4]))).to.deep.equal({
      nodes: [0, 2],
      own: [1, 5, 2, 3],
    });
    expect(choosePins(placement(false, 1), nodes, new Set([0]))).to.deep.equal({
      nodes: [0],
      own: undefined,
    });
  });

  it("are refused when too few are left, or the NUMA node is not there", () => {
    const choose = (numa: NumaPlacement, taken: readonly number[]) => () =>
      choosePins(numa, nodes, new Set(taken));
    expect(choose(placement(true, 2), [3])).to.throw(
      /^NUMA node 1 has 1 CPU that is nobody's own; 2 are needed\.$/,
    );
    expect(choose(placement(false, 3), [])).to.throw(/no NUMA node 2/);
  });

  it("are told to QEMU: sockets as NUMA nodes, memory bound to nodes, threads that touch it on the CPUs", () => {
    const { argv } = argumentsFor(placement(true, 2), [0]);
    expect(valuesOf(argv, "-smp")).to.deep.equal(["cpus=4,sockets=2,cores=2,threads=1"]);
    expect(valuesOf(argv, "-m")).to.deep.equal(["size=256M"]);
    expect(valuesOf(argv, "-numa")).to.deep.equal([
      "node,nodeid=0,cpus=0-1,memdev=numa0",
      "node,nodeid=1,cpus=2-3,memdev=numa1",
    ]);
    const ram = { "qom-type": "memory-backend-ram", size: 128 * 1024 ** 2, policy: "bind" };
    expect(objectsOf(argv)).to.deep.equal([
      { "qom-type": "thread-context", id: "cpus", "cpu-affinity": [1, 4, 2, 3] },
      { ...ram, id: "numa0", "host-nodes": [0] },
      { ...ram, id: "numa1", "host-nodes": [2] },
    ]);
  });

  it("have huge pages from an anonymous file, all of them taken at the start", () => {
    const { argv } = argumentsFor(placement(false, 1, { pageKib: 2_048 }));
    expect(objectsOf(argv)).to.deep.equal([
      {
        ...{ "qom-type": "memory-backend-memfd", id: "numa0", size: 128 * 1024 ** 2 },
        ...{ hugetlb: true, hugetlbsize: 2 * 1024 ** 2, prealloc: true, share: false },
        ...{ "host-nodes": [0], policy: "bind" },
      },
    ]);
  });

  it("are read back from the process's own arguments, and from nothing else", () => {
    for (const numa of [placement(true, 2), placement(false, 2), placement(true, 1, { pageKib: 2_048 })]) {
      const { pins, argv } = argumentsFor(numa);
      expect(pinsOfArgv(["qemu-system-x86_64", ...argv])).to.deep.equal(pins);
    }
    const plain = qemuArguments({ ...bare, spec: machineSpec() });
    expect(pinsOfArgv(plain)).to.equal(undefined);
    expect(pinsOfArgv(["-object", "{", "-append", '{"host-nodes":[0]}'])).to.equal(undefined);
  });

  it("leave a guest that asked for none as it was", () => {
    const argv = qemuArguments({ ...bare, spec: machineSpec({ vcpus: 3 }) });
    expect(valuesOf(argv, "-smp")).to.deep.equal(["cpus=3"]);
    expect(argv).not.to.include("-numa");
  });
});

describe("where the threads of a guest may run", () => {
  const plan = (own: readonly number[] | undefined, chosen: readonly number[], taken: readonly number[]) =>
    cpuPlan({ own, nodes: chosen }, 4, nodes, new Set(taken));

  it("is each vCPU's own CPU, and for the others all of the guest's", () => {
    expect(plan([1, 5, 2, 3], [0, 2], [1, 5, 2, 3])).to.deep.equal({
      process: [1, 5, 2, 3],
      vcpus: [[1], [5], [2], [3]],
    });
  });

  it("is what is left of their NUMA nodes for guests that share CPUs there", () => {
    const [first, second] = [[1, 4, 5], [3]];
    expect(plan(undefined, [0, 2], [0, 2])).to.deep.equal({
      process: [...first, ...second],
      vcpus: [first, first, second, second],
    });
  });

  it("is what is nobody's own for all others, and somewhere in any case", () => {
    const anybody = (taken: readonly number[]) => cpuPlan(undefined, 0, nodes, new Set(taken)).process;
    expect(anybody([])).to.deep.equal([0, 1, 4, 5, 2, 3]);
    expect(anybody([0, 2, 3])).to.deep.equal([1, 4, 5]);
    expect(anybody([0, 1, 2, 3, 4, 5])).to.deep.equal([0, 1, 4, 5, 2, 3]);
    expect(plan(undefined, [2], [2, 3]).process).to.deep.equal([0, 1, 4, 5]);
  });
});
