/** Gateways in the switch, by value: published ports are let in, and nothing else comes or goes by them. */
import { expect } from "chai";
import type { SwitchGateway, SwitchState } from "../../../nodes/switch/state.ts";
import { together } from "../../../nodes/switch/together.ts";
import type { PortPicture } from "../../../protocol/networking.ts";
import { sealed } from "../../support/forged-frames.ts";
import { arpFrame, type Ends, flags, icmp, ip4Frame, tcp, udp } from "../../support/frames.ts";
import { gateMac, routed, routedState, routerOf, toRouter } from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import {
  type Guest,
  ip4Of,
  macOf,
  networkOf,
  pictureOf,
  plugOf,
  portIdOf,
  portOf,
} from "../../support/switch-world.ts";

const web: Guest = { network: 1, number: 5 };
const db: Guest = { network: 1, number: 6 };
/** The gateway of the subnet has the address that no guest has. */
const door: Guest = { network: 1, number: 1 };
const mac = "52:55:0a:00:01:01";

const gateway = (given: Partial<SwitchGateway> = {}): SwitchGateway => ({
  ...{ id: portIdOf(door), networkId: "network-1", mac, address: ip4Of(door), path: "/nowhere/gateway" },
  ...{ forwards: [{ portId: portIdOf(web), address: ip4Of(web), port: 80 }], ...given },
});

/** No group allows anything. */
const closed: Partial<PortPicture> = { groupIds: [] };

const stateWith = (gateways: readonly SwitchGateway[], port = closed): SwitchState => ({
  networking: pictureOf([web, db], { port, groups: [] }),
  plugs: [web, db].map((guest) => plugOf(guest)),
  gateways,
});

const inwards: Ends = {
  ...{ sourceMac: mac, destinationMac: macOf(web), source: ip4Of(door), destination: ip4Of(web) },
};
const outwards: Ends = {
  ...{ sourceMac: macOf(web), destinationMac: mac, source: ip4Of(web), destination: ip4Of(door) },
};
const call = ip4Frame(inwards, 6, tcp(50_000, 80, flags.syn));
const answered = ip4Frame(outwards, 6, tcp(80, 50_000, flags.syn | flags.acknowledge));

describe("a gateway whose subnet has a router", () => {
  const state = (): SwitchState => {
    const { networking, plugs, gateways } = stateWith([gateway()]);
    return { networking: networking && { ...networking, routers: [routerOf([1])] }, plugs, gateways };
  };
  const toTheRouter = { ...outwards, destinationMac: gateMac(1) };
  const segment = (bits: number, to = toTheRouter) => sealed(ip4Frame(to, 6, tcp(80, 50_000, bits)));

  it("calls as before, and is answered by who sends to the router", () => {
    const judge = new SwitchJudge(state());
    expect(judge.send(web, segment(flags.acknowledge)), "nobody has called").to.equal("egressRule");
    expect(judge.send(door, call)).to.equal(portIdOf(web));
    const outcome = judge.outcome(web, segment(flags.syn | flags.acknowledge));
    expect(outcome.kind === "deliver" && outcome.to).to.equal(portIdOf(door));
    const [frame] = outcome.kind === "deliver" ? (outcome.frames ?? []) : [];
    expect(frame?.toString("hex", 0, 6)).to.equal(mac.replaceAll(":", ""));
    expect(
      judge.send(db, segment(flags.acknowledge, { ...toTheRouter, sourceMac: macOf(db), source: ip4Of(db) })),
    ).to.equal("egressRule");
  });

  it("leaves the way to others to the router, also of guests that know its own MAC from before", () => {
    const far: Guest = { network: 2, number: 7 };
    const judge = new SwitchJudge({
      ...routedState([web, db, far], [routerOf([1, 2])], { networking: {} }),
      gateways: [gateway()],
    });
    const remembered = { ...toRouter(web, ip4Of(far)), destinationMac: mac };
    expect(judge.send(web, routed(remembered, 17, udp(1_000, 2_000)))).to.equal(portIdOf(far));
    const nowhere = { ...toRouter(web, "10.0.9.9"), destinationMac: mac };
    expect(judge.outcome(web, routed(nowhere, 17, udp(1_000, 2_000))).kind).to.equal("answer");
    expect(judge.send(web, ip4Frame(outwards, 17, udp(1_000, 2_000)))).to.equal("ingressRule");
  });

  it("leaves the address to the router, and is led nowhere by it", () => {
    const judge = new SwitchJudge(state());
    const asks = { operation: 1, senderMac: macOf(web), sender: ip4Of(web), target: ip4Of(door) } as const;
    const asked = judge.outcome(web, arpFrame(asks));
    expect(asked.kind === "answer" && asked.frame.toString("hex", 22, 28)).to.equal("fa163e000101");
    const beyond = sealed(
      ip4Frame({ ...inwards, destinationMac: gateMac(1) }, 6, tcp(50_000, 80, flags.syn)),
    );
    expect(judge.send(door, beyond)).to.equal("unrouted");
  });
});

describe("a gateway in the switch", () => {
  it("opens connections to what is published, whatever groups say, and is answered", () => {
    const judge = new SwitchJudge(stateWith([gateway()]));
    expect(judge.send(web, answered), "nobody has called").to.equal("noConnection");
    expect(judge.send(door, call)).to.equal(portIdOf(web));
    expect(judge.send(web, answered)).to.equal(portIdOf(door));
    expect(judge.send(door, ip4Frame(inwards, 6, tcp(50_000, 80, flags.acknowledge)))).to.equal(
      portIdOf(web),
    );
  });

  const refused: readonly (readonly [string, Buffer])[] = [
    ["another port", ip4Frame(inwards, 6, tcp(50_000, 81, flags.syn))],
    ["UDP at the same port", ip4Frame(inwards, 17, udp(50_000, 80))],
    ["a ping", ip4Frame(inwards, 1, icmp(8, 0))],
    ["DHCP's answer", ip4Frame(inwards, 17, udp(67, 68))],
    [
      "another guest's port",
      ip4Frame(
        { ...inwards, destinationMac: macOf(db), destination: ip4Of(db) },
        6,
        tcp(50_000, 80, flags.syn),
      ),
    ],
    [
      "the published address at another guest",
      ip4Frame({ ...inwards, destinationMac: macOf(db) }, 6, tcp(50_000, 80, flags.syn)),
    ],
  ];
  for (const [what, frame] of refused)
    it(`sends nobody ${what}`, () => {
      for (const port of [closed, {}, { portSecurity: false, groupIds: [] }]) {
        const judge = new SwitchJudge(stateWith([gateway()], port));
        expect(judge.send(door, frame)).to.be.oneOf(["egressRule", "dhcpServer"]);
      }
    });

  it("is called by nobody, also not by a guest that nothing is filtered of", () => {
    for (const port of [closed, {}, { portSecurity: false, groupIds: [] }]) {
      const judge = new SwitchJudge(stateWith([gateway()], port));
      for (const frame of [
        ip4Frame(outwards, 6, tcp(50_000, 22, flags.syn)),
        ip4Frame(outwards, 17, udp(50_000, 53)),
        ip4Frame(outwards, 17, udp(50_000, 69)),
        ip4Frame(outwards, 1, icmp(8, 0)),
      ])
        expect(judge.send(web, frame)).to.be.oneOf(["egressRule", "ingressRule"]);
    }
  });

  it("has the address of the subnet's gateway, and no other", () => {
    const judge = new SwitchJudge(stateWith([gateway()]));
    const asks = { operation: 1, senderMac: macOf(web), sender: ip4Of(web), target: ip4Of(door) } as const;
    expect(judge.send(web, arpFrame(asks))).to.equal("answer");
    const far = { ...inwards, source: "192.0.2.1" };
    expect(judge.send(door, ip4Frame(far, 6, tcp(50_000, 80, flags.syn)))).to.equal("forgedAddress");
    const pretends = { ...inwards, source: ip4Of(db) };
    expect(judge.send(door, ip4Frame(pretends, 6, tcp(50_000, 80, flags.syn)))).to.equal("forgedAddress");
  });

  it("is closed where a guest has its address or MAC: nobody is answered in a guest's place", () => {
    const { networking, plugs } = stateWith([]);
    const own: Partial<PortPicture>[] = [
      { addresses: [{ subnetId: "subnet-1", address: ip4Of(door) }] },
      { mac },
    ];
    for (const given of own) {
      const other = portOf(db, { ...closed, ...given });
      const networks = [networkOf(1, [portOf(web, closed), other])];
      const there = plugs.map((plug) => (plug.portId === other.id ? { ...plug, mac: other.mac } : plug));
      const picture = { version: 1, groups: [], ...networking, networks };
      const judge = new SwitchJudge({ networking: picture, plugs: there, gateways: [gateway()] });
      expect(judge.send(door, call)).to.equal("closed");
    }
  });

  it("ends its connections when a port is not published any more", () => {
    const judge = new SwitchJudge(stateWith([gateway()]));
    judge.send(door, call);
    judge.send(web, answered);
    judge.apply(stateWith([gateway({ forwards: [] })]));
    expect(judge.send(door, ip4Frame(inwards, 6, tcp(50_000, 80, flags.acknowledge)))).not.to.equal(
      portIdOf(web),
    );
    expect(judge.send(web, answered)).not.to.equal(portIdOf(door));
    judge.apply(stateWith([]));
    expect(judge.send(door, call)).to.equal("closed");
  });

  it("of each of two nodes is answered itself, though both have one address", () => {
    const second: Guest = { network: 1, number: 200 };
    const forwards = [{ portId: portIdOf(db), address: ip4Of(db), port: 80 }];
    const one = stateWith([gateway()]);
    const other = stateWith([gateway({ id: portIdOf(second), forwards })]);
    const judge = new SwitchJudge(together([one, other]));
    const toDb = { ...inwards, destinationMac: macOf(db), destination: ip4Of(db) };
    const ofDb = { ...outwards, sourceMac: macOf(db), source: ip4Of(db) };
    expect(judge.send(door, call)).to.equal(portIdOf(web));
    expect(judge.send(second, ip4Frame(toDb, 6, tcp(50_000, 80, flags.syn)))).to.equal(portIdOf(db));
    expect(judge.send(door, ip4Frame(toDb, 6, tcp(50_001, 80, flags.syn)))).to.equal("egressRule");
    expect(judge.send(web, answered)).to.equal(portIdOf(door));
    const back = ip4Frame(ofDb, 6, tcp(80, 50_000, flags.syn | flags.acknowledge));
    expect(judge.send(db, back)).to.equal(portIdOf(second));
  });
});
