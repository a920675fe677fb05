/**
 * Bandwidth limits of the switch's real process, judged by what arrives and by the time that it took: however
 * slow the computer is, no more may arrive than the burst and what that time has brought.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { switchFiles } from "../../../nodes/switch/state.ts";
import type { Bandwidth } from "../../../protocol/port.ts";
import type { FakeNic } from "../../support/fake-nic.ts";
import { ip4Frame, udp } from "../../support/frames.ts";
import { SwitchBench } from "../../support/switch-process.ts";
import { ends4, type Guest, pictureOf, portIdOf } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 1 };
const two: Guest = { network: 1, number: 2 };
/** So low that a computer that takes ten seconds for the frames has to drop some. */
const limit = { kilobitsPerSecond: 1_000, burstKilobits: 1_200 };
const burstBytes = 150_000;
const frames = 1_000;
const large = ip4Frame(ends4(one, two), 17, udp(1_000, 2_000, Buffer.alloc(1_300)));

describe("bandwidth limits of the switch's process", function () {
  this.timeout(20_000);
  let bench: SwitchBench;
  let sender: FakeNic;
  let receiver: FakeNic;
  let version = 0;
  beforeEach(async () => {
    bench = new SwitchBench();
    bench.start();
    [sender, receiver] = [await bench.listen(one), await bench.listen(two)];
  });
  afterEach(() => bench.close());

  const apply = async (of: Guest, bandwidth: Bandwidth | undefined) => {
    version += 1;
    const { networks, ...rest } = pictureOf([one, two]);
    const limited = networks.map((network) => ({
      ...network,
      ports: network.ports.map((port) =>
        bandwidth !== undefined && port.id === portIdOf(of) ? { ...port, bandwidth } : port,
      ),
    }));
    await bench.apply([one, two], { ...rest, version, networks: limited });
  };
  /** Bytes that have arrived of more than a megabyte, and those that the time would have let pass. */
  const flood = async () => {
    const [before, beganMs] = [receiver.received.length, performance.now()];
    for (let sent = 0; sent < frames; sent += 1) sender.send(large);
    const last = ip4Frame(ends4(one, two), 17, udp(1_000, 2_000, Buffer.from(`last ${version}`)));
    // Again and again: a limit may drop the last frame as well.
    const again = setInterval(() => sender.send(last), 20);
    await receiver.frame((frame) => frame.includes(`last ${version}`));
    clearInterval(again);
    const tookMs = performance.now() - beganMs;
    const bytes = receiver.received.slice(before).reduce((sum, { length }) => sum + length, 0);
    return { bytes, most: burstBytes + (tookMs * limit.kilobitsPerSecond) / 8 + large.length };
  };

  for (const [direction, of] of [
    ["egress", one],
    ["ingress", two],
  ] as const)
    it(`let pass in the direction ${direction} what they say, and all of it once they are gone`, async () => {
      const other = direction === "egress" ? "ingress" : "egress";
      await apply(of, { [direction]: limit, [other]: null } as Bandwidth);
      const { bytes, most } = await flood();
      expect(bytes).to.be.within(burstBytes / 2, most);
      await apply(of, undefined);
      // In pieces: what waits for a guest is bounded, with a limit or without.
      for (let piece = 1; piece <= 10; piece += 1) {
        const count = receiver.received.length;
        for (let sent = 0; sent < 100; sent += 1) sender.send(large);
        await receiver.until(() => receiver.received.length >= count + 100);
      }
      const { counters } = switchFiles;
      const said = await until(() => {
        const all = JSON.parse(readFileSync(join(bench.directory, counters), "utf8"));
        return all[portIdOf(of)]?.dropped[`${direction}Limit`] > 0 ? all[portIdOf(of)] : undefined;
      });
      expect(said.dropped[`${direction}Limit`]).to.be.greaterThan(0);
    });

  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = (() => {
        try {
          return look();
        } catch {
          return undefined;
        }
      })();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
});
