/** Routers of several hosts, by value: what a host has routed, and what another one takes of it. */
import { expect } from "chai";
import type { HostNetworking } from "../../../protocol/networking.ts";
import { udp } from "../../support/frames.ts";
import {
  gateAddress,
  gateMac,
  routed,
  routedState,
  routerOf,
  toRouter,
  withTimeToLive,
} from "../../support/routed-world.ts";
import { SwitchJudge } from "../../support/switch-judge.ts";
import { farOf, type Guest, ip4Of, macOf, portIdOf, rule, sendAll } from "../../support/switch-world.ts";

const one: Guest = { network: 1, number: 11 };
const two: Guest = { network: 2, number: 12 };
const hello = udp(1_000, 2_000);
const [own, other, third] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"] as const;

describe("a router between hosts", () => {
  const near = (guest: Guest, far: HostNetworking["far"], routers = [routerOf([1, 2])]) =>
    new SwitchJudge(routedState([guest], routers, { networking: { far: far ?? [], ...openGroup } }));
  const openGroup = { groups: [{ id: "default", rules: [...sendAll, rule({})], members: [] }] };
  const arriving = (from: Guest, to: Guest, given = {}): Buffer =>
    routed(
      {
        ...{ sourceMac: gateMac(to.network), destinationMac: macOf(to) },
        source: ip4Of(from),
        destination: ip4Of(to),
        ...given,
      },
      17,
      hello,
    );

  it("routes where it is sent: to a network that has no port here", () => {
    const judge = near(one, [farOf(other, [two])]);
    const outcome = judge.outcome(one, routed(toRouter(one, ip4Of(two)), 17, hello));
    expect(outcome.kind === "deliver" && outcome.to).to.equal(portIdOf(two));
    const [frame] = outcome.kind === "deliver" ? (outcome.frames ?? []) : [];
    expect(frame?.equals(withTimeToLive(arriving(one, two), 63))).to.equal(true);
  });

  it("takes what another host has routed from a port of its own, and only for a port that is here", () => {
    const judge = near(two, [farOf(other, [one]), farOf(third, [{ ...one, number: 20 }])]);
    expect(judge.receive({ number: 2, host: other }, arriving(one, two))).to.equal(portIdOf(two));
    const wrong: readonly (readonly [string, { number: number; host: string }, Buffer, string])[] = [
      ["another host", { number: 2, host: third }, arriving(one, two), "unknownSender"],
      ["nobody's host", { number: 2, host: "192.0.2.99" }, arriving(one, two), "unknownSender"],
      ["a host's own address", { number: 2, host: own }, arriving(one, two), "unknownSender"],
      [
        "nobody's address",
        { number: 2, host: other },
        arriving({ ...one, number: 99 }, two),
        "unknownSender",
      ],
      ["an address of here", { number: 2, host: other }, arriving(two, two), "unknownSender"],
      [
        "outside",
        { number: 2, host: other },
        arriving(one, two, { source: "198.51.100.1" }),
        "unknownSender",
      ],
      [
        "the router's address",
        { number: 2, host: other },
        arriving(one, two, { source: gateAddress(1) }),
        "unknownSender",
      ],
      [
        "the other interface",
        { number: 2, host: other },
        arriving(one, two, { sourceMac: gateMac(1) }),
        "unknownSender",
      ],
      ["another network", { number: 1, host: other }, arriving(one, two), "unknownSender"],
      ["no network", { number: 77, host: other }, arriving(one, two), "unknownNetwork"],
      [
        "no port",
        { number: 2, host: other },
        arriving(one, two, { destinationMac: "52:54:00:00:02:63" }),
        "unknownMac",
      ],
      [
        "a router",
        { number: 2, host: other },
        arriving(one, two, { destinationMac: gateMac(2) }),
        "unknownMac",
      ],
      ["link-local", { number: 2, host: other }, arriving(one, two, { source: "169.254.1.1" }), "unrouted"],
      [
        "too large",
        { number: 2, host: other },
        routed({ ...toRouter(one, ip4Of(two)), sourceMac: gateMac(2) }, 17, udp(1, 2, Buffer.alloc(1_400))),
        "tooLarge",
      ],
    ];
    for (const [what, from, frame, word] of wrong) expect(judge.receive(from, frame), what).to.equal(word);
  });

  it("routes nothing that comes from another host, and says nothing to it", () => {
    const neighbour = { ...two, number: 21 };
    const judge = near(two, [farOf(other, [one]), farOf(other, [neighbour])]);
    const frame = routed({ ...toRouter(neighbour, ip4Of(one)) }, 17, hello);
    expect(judge.receive({ number: 2, host: other }, frame)).to.equal("notHere");
    expect(judge.receive({ number: 2, host: other }, arriving(one, neighbour))).to.equal("notHere");
  });

  it("judges what comes by the receiver's rules, and its answers as answers", () => {
    const judge = new SwitchJudge(
      routedState([two], [routerOf([1, 2])], {
        networking: {
          far: [farOf(other, [one])],
          groups: [{ id: "default", rules: [...sendAll], members: [] }],
        },
      }),
    );
    const answer = arriving(one, two);
    expect(judge.receive({ number: 2, host: other }, answer)).to.equal("ingressRule");
    const question = routed(toRouter(two, ip4Of(one)), 17, udp(2_000, 1_000));
    expect(judge.send(two, question)).to.equal(portIdOf(one));
    expect(judge.receive({ number: 2, host: other }, answer)).to.equal(portIdOf(two));
  });
});
