/**
 * What a controller keeps of the memory that it has freed, measured in a process of its own with the options
 * and variables of one. Neither needs a cluster: they are about V8 and the C library.
 */
import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { nodeMemory } from "../../../nodes/up/node-memory.ts";

/** Many small things live on through several collections: as the nursery grows under a flood. */
const nurseryScript = `
  import { getHeapSpaceStatistics } from "node:v8";
  let kept = [];
  let mostMib = 0;
  for (let index = 0; index < 6_000_000; index += 1) {
    kept.push({ index });
    if (kept.length < 400_000) continue;
    kept = kept.slice(200_000);
    const nursery = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    mostMib = Math.max(mostMib, nursery.physical_space_size / 1024 ** 2);
  }
  console.log(Math.round(mostMib));`;

/** What the whole heap may have in MiB, nursery included. */
const limitScript = `
  import { getHeapStatistics } from "node:v8";
  console.log(Math.round(getHeapStatistics().heap_size_limit / 1024 ** 2));`;

/** Bodies as large as they come, dropped again, and among them small ones that are kept. */
const buffersScript = `
  import { setTimeout as pause } from "node:timers/promises";
  const mib = () => process.memoryUsage.rss() / 1024 ** 2;
  const kept = [];
  const beforeMib = mib();
  let leftMib = Infinity;
  for (let round = 0; round < 4; round += 1) {
    const dropped = [];
    for (let index = 0; index < 300; index += 1) {
      dropped.push(Buffer.allocUnsafeSlow(320 * 1024).fill(1));
      kept.push(Buffer.allocUnsafeSlow(5_000).fill(1));
    }
    dropped.length = 0;
    // Freed by another thread, soon after the collection.
    for (let look = 0; look < 100; look += 1) {
      gc();
      leftMib = mib() - beforeMib;
      if (leftMib < 40) break;
      await pause(20);
    }
  }
  console.log(Math.round(leftMib), kept.length);`;

function measured(script: string, { nodeArguments, environment } = nodeMemory.controller): number {
  const argv = [...nodeArguments, "--expose-gc", "--input-type=module", "--eval", script];
  const env = { ...process.env, NODE_OPTIONS: "", ...environment };
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", env });
  expect(stderr).to.equal("");
  return Number.parseInt(stdout, 10);
}

describe("the memory of a controller", function () {
  this.timeout(60_000);

  it("has a nursery that a flood does not take beyond its bound", () => {
    expect(measured(nurseryScript)).to.be.within(1, 48);
  });

  it("gives large buffers back once they are freed", () => {
    expect(measured(buffersScript)).to.be.below(40);
  });

  it("would be more by itself: else this would be measured in vain", () => {
    const untold = { nodeArguments: [], environment: {} };
    // How far the nursery grows depends on what else the computer does; how far it may grow does not.
    expect(measured(limitScript, untold)).to.be.at.least(measured(limitScript) + 64);
    expect(measured(buffersScript, untold)).to.be.above(40);
  });
});
