/** How often states are applied, and what a node is told while one of its states waits. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { NodeState } from "../../../nodes/switch/node-state.ts";
import { Pace } from "../../../nodes/switch/pace.ts";
import { readSwitchApplied, switchFiles, writeSwitchState } from "../../../nodes/switch/state.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { pictureOf, stateOfGuests } from "../../support/switch-world.ts";

/** A clock that only goes on when it is told to. */
class HandTime {
  #nowMs = 1_000;
  readonly waits: number[] = [];
  #waiting: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  pause(forMs: number): Promise<void> {
    this.waits.push(forMs);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe("the pace of applying", () => {
  it("leaves ten times as long as it took free for frames, and no more than five seconds", () => {
    const time = new HandTime();
    const pace = new Pace(time);
    const freeAfter = (tookMs: number, ms: number) => {
      pace.do(() => time.pass(tookMs));
      time.pass(ms - 1);
      const before = pace.isFree;
      time.pass(1);
      return [before, pace.isFree];
    };
    expect(pace.isFree).to.equal(true);
    expect(freeAfter(30, 300)).to.deep.equal([false, true]);
    expect(freeAfter(3_000, switchLimits.applyPauseMsMax)).to.deep.equal([false, true]);
  });

  it("holds also after something that has failed", async () => {
    const time = new HandTime();
    const pace = new Pace(time);
    const fail = () => {
      time.pass(7);
      throw new Error("no state");
    };
    expect(() => pace.do(fail)).to.throw("no state");
    const free = pace.free();
    expect([pace.isFree, time.waits]).to.deep.equal([false, [70]]);
    time.pass(70);
    await free;
    expect(pace.isFree).to.equal(true);
  });
});

describe("a node's states", () => {
  let place: TemporaryDirectory;
  let node: NodeState | undefined;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(async () => {
    node?.close();
    await place.remove();
  });

  const write = (version: number) => {
    const state = stateOfGuests([], { ...pictureOf([]), version });
    return writeSwitchState(join(place.path, switchFiles.state), state);
  };
  const said = async () => (await readSwitchApplied(join(place.path, switchFiles.applied)))?.state ?? null;

  it("that come during the pause are applied as one, and are not said to be applied before", async () => {
    const time = new HandTime();
    const applied: (number | undefined)[] = [];
    const first = await write(1);
    const made = new NodeState(place.path, new Pace(time), {
      changed: () => {
        time.pass(40);
        applied.push(made.state?.networking?.version);
      },
      say: () => undefined,
      process: () => ({ pid: 1, startTicks: 1, release: "1", plugs: 0 }),
    });
    node = made;
    await until(async () => (await said()) === first);
    // The first state, and that the node has been looked at.
    expect(applied).to.deep.equal([1, 1]);
    time.pass(400);
    await write(2);
    made.told();
    await until(() => applied.length === 3);
    const hashes = [await write(3), await write(4)];
    made.told();
    await until(() => time.isWaitedFor);
    hashes.push(await write(5));
    made.due();
    await until(async () => (await said()) !== first);
    expect(hashes).to.not.include(await said());
    expect(applied).to.deep.equal([1, 1, 2]);
    time.pass(400);
    await until(async () => (await said()) === hashes[2]);
    expect(applied).to.deep.equal([1, 1, 2, 5]);
  });

  it("are paced from the first look on, and a node that has wanted nothing yet is no fault", async () => {
    const time = new HandTime();
    const pace = new Pace(time);
    const lines: string[] = [];
    let looks = 0;
    node = new NodeState(place.path, pace, {
      changed: () => {
        time.pass(40);
        looks += 1;
      },
      say: (text) => lines.push(text),
      process: () => ({ pid: 1, startTicks: 1, release: "1", plugs: 0 }),
    });
    await until(() => looks === 1);
    expect(pace.isFree, "all nodes were applied with this look").to.equal(false);
    await until(async () => (await readSwitchApplied(join(place.path, switchFiles.applied))) !== undefined);
    const applied = await readSwitchApplied(join(place.path, switchFiles.applied));
    expect([lines, applied?.state, applied?.fault]).to.deep.equal([[], null, null]);
  });

  it("that are damaged, or go away, are said once", async () => {
    const lines: string[] = [];
    await write(1);
    const made = new NodeState(place.path, new Pace(), {
      ...{ changed: () => undefined, say: (text: string) => lines.push(text) },
      process: () => ({ pid: 1, startTicks: 1, release: "1", plugs: 0 }),
    });
    node = made;
    await until(() => made.isRead);
    await rm(join(place.path, switchFiles.state));
    made.told();
    await until(() => lines.length > 0);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/ENOENT/);
    const file = join(place.path, switchFiles.applied);
    await until(async () => typeof (await readSwitchApplied(file))?.fault === "string");
  });
});
