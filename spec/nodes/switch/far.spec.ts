/** Frames from and to ports of other hosts, by value; and VXLAN's header. */
import { expect } from "chai";
import { readVxlan, writeVxlan } from "../../../nodes/switch/frames/vxlan.ts";
import { together } from "../../../nodes/switch/together.ts";
import type { HostNetworking } from "../../../protocol/networking.ts";
import { arpFrame, dhcpFrame, ethernet, flags, ip4Frame, tcp, udp } from "../../support/frames.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  defaultGroup,
  ends4,
  farOf,
  type Guest,
  ip4Of,
  macOf,
  pictureOf,
  plugOf,
  portIdOf,
  rule,
  sendAll,
} from "../../support/switch-world.ts";

const here: Guest = { network: 1, number: 1 };
const there: Guest = { network: 1, number: 2 };
const beyond: Guest = { network: 1, number: 3 };
const guests = [here, there, beyond];
const [own, other, third] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"] as const;
const from = (host: string, number = 1) => ({ number, host });
const hello = (one: Guest, two: Guest) => ip4Frame(ends4(one, two), 17, udp(1_000, 2_000));
const segment = (one: Guest, two: Guest, ports: readonly [number, number], bits: number) =>
  ip4Frame(ends4(one, two), 6, tcp(...ports, bits));

const picture = (groups = [defaultGroup(guests)]): HostNetworking => ({
  ...pictureOf([here], { groups }),
  far: [farOf(other, [there]), farOf(third, [beyond])],
});
const stateOf = (networking: HostNetworking, plugged: readonly Guest[] = [here]) => ({
  networking,
  plugs: plugged.map((guest) => ({ ...plugOf(guest), underlay: own })),
});

describe("frames between hosts", () => {
  let judge: SwitchJudge;
  beforeEach(() => {
    judge = new SwitchJudge(stateOf(picture()));
  });

  it("go to the port that the picture has on another host, and come from it, when the rules allow it", () => {
    expect(judge.send(here, hello(here, there))).to.equal(portIdOf(there));
    expect(judge.receive(from(other), hello(there, here))).to.equal(portIdOf(here));
    const open = { id: "default", rules: [...sendAll, rule({ protocol: 6, portMin: 22, portMax: 22 })] };
    judge.apply(stateOf(picture([{ ...open, members: [] }])));
    expect(judge.receive(from(other), segment(there, here, [40_000, 80], flags.syn))).to.equal("ingressRule");
    expect(judge.receive(from(other), segment(there, here, [40_000, 22], flags.syn))).to.equal(
      portIdOf(here),
    );
    judge.apply(stateOf(picture([{ id: "default", rules: [], members: [] }])));
    expect(judge.send(here, hello(here, there))).to.equal("egressRule");
  });

  it("belong to connections as others do, which end with their rule", () => {
    judge.apply(stateOf(picture([{ id: "default", rules: [...sendAll], members: [] }])));
    const answer = segment(there, here, [80, 40_000], flags.syn | flags.acknowledge);
    expect(judge.receive(from(other), answer)).to.equal("noConnection");
    expect(judge.send(here, segment(here, there, [40_000, 80], flags.syn))).to.equal(portIdOf(there));
    expect(judge.receive(from(other), answer)).to.equal(portIdOf(here));
    judge.apply(stateOf(picture([{ id: "default", rules: [], members: [] }])));
    expect(judge.receive(from(other), answer)).to.equal("noConnection");
  });

  it("are dropped when they are from a host that has no such port", () => {
    expect(judge.receive(from(third), hello(there, here))).to.equal("unknownSender");
    expect(judge.receive(from(own), hello(here, there))).to.equal("unknownSender");
    expect(judge.receive(from(other), ethernet(ends4(here, there), 0x0800, Buffer.alloc(60)))).to.equal(
      "unknownSender",
    );
    expect(judge.receive(from(other), Buffer.alloc(3))).to.equal("unknownSender");
  });

  it("are dropped when they are of a network that has no port here", () => {
    expect(judge.receive(from(other, 2), hello(there, here))).to.equal("unknownNetwork");
  });

  it("never go on to another host, nor back", () => {
    expect(judge.receive(from(other), hello(there, beyond))).to.equal("notHere");
    const [senderMac, sender] = [macOf(there), ip4Of(there)];
    const question = arpFrame({ operation: 1, senderMac, sender, target: ip4Of(here) });
    expect(judge.receive(from(other), question)).to.equal("notHere");
    expect(judge.receive(from(other), dhcpFrame(macOf(there), { type: 1 }))).to.equal("dhcp");
  });

  it("need no question between hosts: who has an address there is said here", () => {
    const [senderMac, sender] = [macOf(here), ip4Of(here)];
    expect(judge.send(here, arpFrame({ operation: 1, senderMac, sender, target: ip4Of(there) }))).to.equal(
      "answer",
    );
  });

  it("do not come from a guest that is still plugged in here while its port is elsewhere", () => {
    judge.apply(stateOf(picture(), [here, there]));
    expect(judge.send(there, hello(there, here))).to.equal("closed");
    expect(judge.send(here, hello(here, there))).to.equal(portIdOf(there));
  });

  it("are not needed between the nodes of one computer", () => {
    const networking = { ...pictureOf([here]), far: [farOf(own, [there])] };
    judge.apply(stateOf(networking));
    expect(judge.send(here, hello(here, there))).to.equal("unknownMac");
  });

  it("carry the number of their network", () => {
    const bytes = writeVxlan(0xabcdef, Buffer.from("frame"));
    expect(bytes.toString("hex", 0, 8)).to.equal("08000000abcdef00");
    const read = readVxlan(bytes);
    expect([read?.number, read?.frame.toString()]).to.deep.equal([0xabcdef, "frame"]);
    expect(readVxlan(bytes.subarray(0, 7))).to.equal(undefined);
    expect(readVxlan(Buffer.alloc(20))).to.equal(undefined);
  });
});

describe("ports of other hosts, as several nodes of a computer have them", () => {
  const at = (version: number, near: readonly Guest[], far: HostNetworking["far"]) =>
    stateOf({ ...pictureOf(near), version, far }, near);
  const placesOf = (...states: readonly ReturnType<typeof at>[]) => {
    const { networking } = together(states);
    const near = networking?.networks.flatMap(({ ports }) => ports.map(({ id }) => id));
    return { near, far: networking?.far?.map(({ host, ports }) => [host, ports.map(({ id }) => id)]) };
  };

  it("are where the newest picture of their network says", () => {
    const before = at(1, [here, there], [farOf(third, [beyond])]);
    const after = at(2, [here], [farOf(other, [there, beyond])]);
    expect(placesOf(after, before)).to.deep.equal({
      near: [portIdOf(here)],
      far: [[other, [portIdOf(there), portIdOf(beyond)]]],
    });
  });

  it("are said by whoever has their network", () => {
    const elsewhere: Guest = { network: 2, number: 1 };
    const newer = at(2, [elsewhere], undefined);
    expect(placesOf(at(1, [here], [farOf(other, [there])]), newer).far).to.deep.equal([
      [other, [portIdOf(there)]],
    ]);
  });
});
