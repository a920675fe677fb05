/** What a node offers by default: a share that leaves room for the computer itself, and is said. */
import { totalmem } from "node:os";
import { expect } from "chai";
import { computerMemoryMib, offerLine, reservedMemoryMib } from "../../../nodes/config/capacity.ts";
import { parseConfig } from "../../../nodes/config/config.ts";
import { configLimits } from "../../../nodes/config/limits.ts";

const memoryOf = (text: string) =>
  parseConfig(text, "/tmp/cluster.yaml").nodes.map(({ capacity }) => capacity.memoryMib);
const sum = (text: string) => memoryOf(text).reduce((all, one) => all + one, 0);
const { systemMemoryMib, serversMemoryMib, controllerMemoryMib, agentMemoryMib } = configLimits;

describe("the capacity of a node", () => {
  it("leaves memory for the system, the servers, each controller and each agent", () => {
    const computer = computerMemoryMib();
    expect(computer)
      .to.be.at.most(totalmem() / 1024 ** 2)
      .and.above(0);
    const needed = systemMemoryMib + serversMemoryMib + controllerMemoryMib + 2 * agentMemoryMib;
    expect(computer - sum("")).to.be.at.least(Math.min(needed, computer / 2));
    expect(sum("controllers: 4")).to.be.at.most(sum(""));
  });

  it("keeps no more than half of a small computer", () => {
    const cluster = { nodes: 2, controllers: 1 };
    expect(reservedMemoryMib(cluster, 1_024)).to.equal(256);
    expect(reservedMemoryMib(cluster, 2_048)).to.equal(512);
    expect(reservedMemoryMib(cluster, 64 * 1_024)).to.equal(768);
    expect(reservedMemoryMib({ nodes: 1, controllers: 1 }, 64 * 1_024)).to.equal(1_408);
  });

  it("is what is written, less only what is written to be reserved", () => {
    expect(memoryOf("nodes: [{ name: a, memoryMib: 1000 }]")).to.deep.equal([1_000]);
    expect(memoryOf("nodes: [{ name: a, memoryMib: 1000, reserved: { memoryMib: 100 } }]")).to.deep.equal([
      900,
    ]);
    const share = Math.floor(computerMemoryMib());
    expect(memoryOf("nodes: [{ name: a, reserved: { memoryMib: 0 } }]")).to.deep.equal([share]);
    expect(memoryOf("nodes: [{ name: a, reserved: { memoryMib: 100 } }]")).to.deep.equal([share - 100]);
  });

  it("is its share of the disk, and of a directory that nodes share the same for each of them", () => {
    const disksOf = (shared: string) =>
      parseConfig(
        `sharedDirectory: ${shared}\nnodes: [{ name: a }, { name: b }]`,
        "/tmp/cluster.yaml",
      ).nodes.map(({ capacity }) => capacity.diskGib);
    const [own, other] = disksOf("none");
    expect(other).to.equal(own);
    const [whole, again] = disksOf("/tmp");
    expect(again).to.equal(whole);
    expect(whole).to.be.within(2 * (own ?? 0), 2 * (own ?? 0) + 1);
  });

  it("is told, with what stays; and when the nodes offer more than there is", () => {
    const node = (memoryMib: number, pretends = false) => ({ pretends, capacity: { memoryMib } });
    expect(offerLine([node(1_024), node(1_024)], 3_072)).to.equal(
      "2 nodes offer guests 2 GiB of memory; 1 GiB stay with the computer (nodes[].reserved)",
    );
    expect(offerLine([node(2_048), node(9_999, true)], 1_024)).to.equal(
      "1 node offers guests 2 GiB of memory, more than the 1 GiB that the computer has (nodes[].memoryMib)",
    );
    expect(offerLine([node(9_999, true)], 1_024)).to.equal(undefined);
  });
});
