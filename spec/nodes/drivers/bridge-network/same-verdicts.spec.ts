/**
 * The rules of the kernel's bridge and the switch of the driver `user` say the same of a frame that belongs
 * to no connection yet: over pictures and frames that are made by chance, from a seed.
 */
import { expect } from "chai";
import { tapName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import { compile } from "../../../../nodes/drivers/bridge-network/rules/compile.ts";
import { marks } from "../../../../nodes/drivers/bridge-network/rules/fixed-chains.ts";
import { emptyLedger, nextLedger } from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import { mayBegin } from "../../../../nodes/switch/filter/stages.ts";
import { readFrame } from "../../../../nodes/switch/frames/ethernet.ts";
import { isAnswer, readFlow } from "../../../../nodes/switch/frames/flow.ts";
import { readIp } from "../../../../nodes/switch/frames/ip.ts";
import type { GroupPicture, HostNetworking } from "../../../../protocol/networking.ts";
import * as frames from "../../../support/frames.ts";
import { nftVerdict } from "../../../support/nft-verdict.ts";
import { SwitchJudge } from "../../../support/switch-judge.ts";
import * as world from "../../../support/switch-world.ts";

class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
  of<T>(some: readonly T[]): T {
    const found = some[this.below(some.length)];
    if (found === undefined) throw new Error("There is nothing to choose from.");
    return found;
  }
  odds(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }
}

const guests = [1, 2].flatMap((network) => [7, 8, 9].map((number) => ({ network, number })));
const groupIds = ["default", "web", "closed"];

function ruleOf(chance: Chance): world.RulePicture {
  const ipVersion = chance.of([4, 4, 4, 6] as const);
  const remote = chance.below(4);
  const portMin = chance.of([null, 0, 3, 8, 80, 300]);
  return world.rule({
    ...{ direction: chance.of(["ingress", "egress"] as const), ipVersion, portMin },
    protocol: chance.of([null, 1, 6, 17, 47, 58, 132]),
    portMax: portMin === null ? null : chance.of([null, 0, portMin, portMin + 10]),
    remoteGroupId: remote === 0 ? chance.of([...groupIds, "missing"]) : null,
    remoteCidr: remote === 1 ? chance.of(["10.0.1.0/29", "0.0.0.0/0", "10.0.1.7/32", "fd00:1::/120"]) : null,
  });
}

function pictureBy(chance: Chance): HostNetworking {
  const groups = groupIds.map((id): GroupPicture => {
    const rules = id === "closed" ? [] : Array.from({ length: chance.below(5) }, () => ruleOf(chance));
    const members = guests.filter(() => chance.odds(2)).map((guest) => `${world.ip4Of(guest)}/32`);
    return {
      id,
      rules: id === "default" ? [...world.sendAll, ...rules] : rules,
      members: [...members, "10.0.2.8/30"],
    };
  });
  const networks = [1, 2].map((number) =>
    world.networkOf(
      number,
      guests
        .filter((guest) => guest.network === number && !chance.odds(8))
        .map((guest) =>
          world.portOf(guest, {
            portSecurity: !chance.odds(4),
            groupIds: groupIds.filter(() => chance.odds(2)),
            addressPairs: chance.odds(3)
              ? [
                  { cidr: "10.0.1.192/27", mac: null },
                  { cidr: "10.0.1.99/32", mac: "52:54:00:00:00:99" },
                  { cidr: "fd00:1:2::/64", mac: null },
                ]
              : [],
          }),
        ),
    ),
  );
  return { version: 1, networks, groups };
}

function packetBy(chance: Chance, version: 4 | 6): [protocol: number, payload: Buffer] {
  const port = () => chance.of([0, 7, 67, 68, 80, 84, 300, 310, 547]);
  const flags = frames.flags;
  switch (chance.below(5)) {
    case 0:
      return [
        6,
        frames.tcp(
          port(),
          port(),
          chance.of([flags.syn, flags.acknowledge, flags.reset, flags.fin | 16, 18]),
        ),
      ];
    case 1:
      return [132, Buffer.concat([frames.udp(port(), port()), Buffer.alloc(8)])];
    case 2:
      return [chance.of([47, 50]), Buffer.alloc(16)];
    case 3:
      return version === 4
        ? [chance.odds(9) ? 58 : 1, frames.icmp(chance.of([0, 3, 5, 8, 9, 13]), chance.of([0, 3]))]
        : [
            chance.odds(9) ? 1 : 58,
            frames.icmp(chance.of([1, 128, 129, 134, 137]), chance.of([0, 3]), Buffer.alloc(24)),
          ];
    default:
      return [17, frames.udp(port(), port())];
  }
}

function frameBy(chance: Chance, from: world.Guest): Buffer {
  const to = chance.of(guests);
  const ends = {
    sourceMac: chance.odds(8) ? chance.of(["52:54:00:00:00:99", world.macOf(to)]) : world.macOf(from),
    destinationMac: chance.odds(8)
      ? chance.of(["ff:ff:ff:ff:ff:ff", "52:54:00:00:00:99", "52:54:00:77:77:77"])
      : world.macOf(to),
  };
  const [protocol, payload] = packetBy(chance, 4);
  switch (chance.below(10)) {
    case 0:
      return frames.arpFrame({
        ...{ operation: chance.of([1, 2] as const), from: ends.sourceMac, target: world.ip4Of(to) },
        senderMac: chance.odds(4) ? world.macOf(to) : ends.sourceMac,
        sender: chance.of([world.ip4Of(from), world.ip4Of(to), "0.0.0.0", "10.0.1.99", "10.0.1.200"]),
      });
    case 1:
      return frames.ethernet(ends, chance.of([0x8100, 0x88cc, 0x0026]), Buffer.alloc(60));
    case 2:
      return frames.dhcpFrame(
        world.macOf(from),
        { type: 1 },
        { destination: chance.of(["255.255.255.255", "10.0.1.7"]) },
      );
    case 3:
    case 4: {
      const [next, content] = packetBy(chance, 6);
      const source = chance.of([world.ip6Of(from), world.ip6Of(from), world.ip6Of(to), "::", "fd00:1:2::5"]);
      return frames.ip6Frame({ ...ends, source, destination: world.ip6Of(to) }, next, content);
    }
    default: {
      const source = chance.of([
        ...[world.ip4Of(from), world.ip4Of(from), world.ip4Of(from), world.ip4Of(to)],
        ...["0.0.0.0", "10.0.1.99", "10.0.1.200"],
      ]);
      const options = chance.odds(4) ? { options: Buffer.from([131, 4, 4, 0]) } : {};
      return frames.ip4Frame({ ...ends, source, destination: world.ip4Of(to) }, protocol, payload, options);
    }
  }
}

/** As the kernel's connections have it of a packet of none of them. */
function freshMark(bytes: Buffer): number {
  const frame = readFrame(bytes);
  const packet = frame && readIp(frame);
  const carried = packet && readFlow(bytes, packet);
  if (carried === undefined) return packet === undefined ? 0 : marks.invalid;
  return mayBegin(carried) && !(carried.icmp !== null && isAnswer(carried.flow, carried.icmp.type))
    ? marks.fresh
    : marks.invalid;
}

const forged = ["forgedMac", "forgedAddress", "forgedArp", "dhcpServer", "router", "closed"];

describe("the rules of the bridge and the switch's", () => {
  const counted = { frames: 0, passed: 0, forged: 0, service: 0 };

  for (let seed = 1; seed <= 15; seed += 1)
    it(`say the same of frames of no connection (seed ${seed})`, () => {
      const chance = new Chance(seed);
      const networking = pictureBy(chance);
      const ports = guests.map((guest) => world.plugOf(guest));
      const ledger = nextLedger(
        emptyLedger,
        networking,
        ports.map(({ portId }) => portId),
      );
      const ruleset = compile({ networking, ports }, ledger);
      for (let count = 0; count < 120; count += 1) {
        const from = chance.of(guests);
        const frame = frameBy(chance, from);
        const said = SwitchJudge.of(guests, networking).send(from, frame);
        const what = `seed ${seed}, frame ${count} of ${world.portIdOf(from)}: ${said} ${frame.toString("hex")}`;
        const isDiscovery = frame.readUInt16BE(12) === 0x806;
        counted.frames += 1;
        for (const to of guests.filter(({ network }) => network === from.network)) {
          if (to === from) continue;
          const [device, mark] = [tapName(world.portIdOf(to)), freshMark(frame)];
          const verdict = nftVerdict(ruleset, {
            frame,
            from: tapName(world.portIdOf(from)),
            to: device,
            mark,
          });
          if (verdict === "forged") counted.forged += 1;
          if (verdict === "service") counted.service += 1;
          if (verdict === "accept") counted.passed += 1;
          const target = frame.toString("hex", 0, 6);
          const isTarget = target === world.macOf(to).replaceAll(":", "");
          if (forged.includes(said)) expect(verdict, what).to.equal("forged");
          else if (isDiscovery) expect(verdict, what).to.not.equal("forged");
          else if (said === "answer") expect(verdict, what).to.equal("service");
          else if (said === world.portIdOf(to)) expect(verdict, what).to.equal("accept");
          else if (isTarget || said === "broadcast") expect(verdict, what).to.not.equal("accept");
        }
      }
    });

  it("were asked about enough frames of each fate", () => {
    expect(counted.frames).to.equal(1_800);
    expect(counted.passed).to.be.greaterThan(100);
    expect(counted.forged).to.be.greaterThan(400);
    expect(counted.service).to.be.greaterThan(30);
  });
});
