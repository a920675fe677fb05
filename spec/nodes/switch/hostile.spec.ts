/** The switch's real process with guests that flood it, do not read, or send what is nothing. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { PortCounters } from "../../../nodes/switch/counters.ts";
import { switchFiles } from "../../../nodes/switch/state.ts";
import type { FakeNic } from "../../support/fake-nic.ts";
import { flags, ip4Frame, tcp, udp } from "../../support/frames.ts";
import { SwitchBench } from "../../support/switch-process.ts";
import { ends4, type Guest, pictureOf, portIdOf } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 1 };
const two: Guest = { network: 1, number: 2 };
const hostile: Guest = { network: 1, number: 3 };
const all = [one, two, hostile];
const large = Buffer.alloc(1_300);

describe("the switch's process and hostile guests", function () {
  this.timeout(30_000);
  let bench: SwitchBench;
  let first: FakeNic;
  let second: FakeNic;
  let attacker: FakeNic;
  let goesOn = false;

  const memoryMib = (): number => {
    const status = readFileSync(`/proc/${bench.process.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1_024;
  };
  const countersOf = (guest: Guest): PortCounters | undefined => {
    const path = join(bench.directory, switchFiles.counters);
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8"))[portIdOf(guest)] : undefined;
  };
  /** Sends a frame there and another back, so many times. */
  const talk = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const text = `round ${round}.`;
      first.send(ip4Frame(ends4(one, two), 17, udp(1, 2, Buffer.from(text))));
      await second.frame((frame) => frame.includes(text));
      second.send(ip4Frame(ends4(two, one), 17, udp(2, 1, Buffer.from(text))));
      await first.frame((frame) => frame.includes(text));
    }
  };
  /** Sends the frames over and over, as fast as they are read, until it is told to end. */
  const flood = async (frames: readonly Buffer[]): Promise<number> => {
    let rounds = 0;
    for (; goesOn; rounds += 1) {
      attacker.send(...frames);
      await attacker.until(() => attacker.unsentBytes === 0);
      // A flood that is taken at once must leave this process time for the guests that talk.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return rounds;
  };

  beforeEach(async () => {
    bench = new SwitchBench();
    bench.start();
    [first, second, attacker] = [
      await bench.listen(one),
      await bench.listen(two),
      await bench.listen(hostile),
    ];
    await bench.apply(all, pictureOf(all));
  });
  afterEach(() => {
    goesOn = false;
    return bench.close();
  });

  it("drops what a guest does not read, and only that, in bounded memory", async () => {
    await talk(20);
    const beforeMib = memoryMib();
    attacker.pause();
    const frame = ip4Frame(ends4(one, hostile), 17, udp(1, 2, large));
    for (let sent = 0; sent < 100; sent += 1) {
      first.send(...Array.from({ length: 500 }, () => frame));
      await first.until(() => first.unsentBytes === 0);
    }
    await talk(20);
    expect(memoryMib() - beforeMib, "of 65 MiB").to.be.below(48);
    for (;;) {
      const queued = countersOf(hostile)?.dropped.queueFull ?? 0;
      if (queued > 49_000) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    attacker.resume();
    await attacker.frame((frame) => frame.includes(large));
  });

  it("goes on for others while a guest floods it, with whatever it is", async () => {
    const opened = Array.from({ length: 20_000 }, (_, port) =>
      ip4Frame(ends4(hostile, two), 6, tcp(port, 9, flags.syn)),
    );
    const many = (frame: Buffer) => Array.from({ length: 5_000 }, () => frame);
    const forbidden = ip4Frame({ ...ends4(hostile, one), source: "10.0.1.9" }, 17, udp(1, 2));
    const floods = [opened, many(forbidden), many(Buffer.alloc(60)), many(Buffer.alloc(0))];
    for (const frames of floods) {
      goesOn = true;
      const flooding = flood(frames);
      await talk(100);
      goesOn = false;
      expect(await flooding, "rounds of the flood").to.be.above(0);
      [first, second].map(({ received }) => received.splice(0));
    }
    // Of the floods, the switch keeps the connections of one port at most.
    expect(memoryMib()).to.be.below(250);
  });

  it("lives through every kind of nonsense in the stream", async () => {
    const nonsense = ["00000000", "0000000e", "ffffffff", "00011001", "7fffffff00"];
    for (const hex of nonsense) {
      await attacker.until(() => attacker.isConnected);
      attacker.sendBytes(Buffer.from(hex, "hex"));
      await talk(1);
      attacker.hangUp();
      await attacker.until(() => !attacker.isConnected);
    }
    expect(bench.process.exitCode).to.equal(null);
  });
});
