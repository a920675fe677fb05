/** N5: a port, or an address, that answers on two hosts is found. */
import { expect } from "chai";
import type { Fact, GuestHeld } from "../../../actors/promises/facts.ts";
import { oneHostAnswers } from "../../../actors/promises/n05-one-host-answers.ts";
import type { Applied, PortHeld } from "../../../actors/promises/network-facts.ts";
import { floatingIp } from "../../../protocol/floating-ip.ts";
import { committed, guest, judged } from "./worlds.ts";

const atMs = 0;
const port = (kind: PortHeld["kind"], hostId: string, portId: string, instanceId: string): PortHeld => ({
  ...{ kind, atMs, hostId, portId, instanceId },
});
const applied = (hostId: string, ...ports: readonly (readonly [string, string, string])[]): Applied => ({
  ...{ kind: "applied", atMs, hostId },
  networking: {
    ...{ version: 1, groups: [] },
    networks: [
      {
        ...{ id: "n", number: 1, mtuBytes: 1_450, subnets: [] },
        ports: ports.map(([id, instanceId, address]) => ({
          ...{ id, instanceId, mac: "m", portSecurity: true, addressPairs: [], groupIds: [] },
          addresses: [{ subnetId: "s", address }],
        })),
      },
    ],
  },
});
const acts = (kind: GuestHeld["kind"], hostId: string, instanceId: string, pid: number): GuestHeld => ({
  ...{ kind, atMs, hostId, instanceId, pid, ownerEpoch: 1 },
});

const place = (hostId: string, portId: string, instanceId: string, pid: number): readonly Fact[] => [
  port("portHeld", hostId, portId, instanceId),
  guest("guestStarted", { hostId, instanceId, pid, held: true }),
  applied(hostId, [portId, instanceId, "10.0.0.2"]),
  acts("guestFree", hostId, instanceId, pid),
];
const found = (...facts: readonly Fact[]) => judged(oneHostAnswers(), facts);
const first = place("h1", "p", "a", 1);

describe("promise N5", () => {
  it("is broken by a port that two hosts answer for, and its address with it", () => {
    expect(found(...first, ...place("h2", "p", "a", 2))).to.deep.equal([
      "The port p answers on host h1 as port p of instance a and on host h2 as port p of instance a.",
      "The address 10.0.0.2 of subnet s answers on host h1 as port p of instance a " +
        "and on host h2 as port p of instance a.",
    ]);
  });

  it("is broken by an address of two ports, also on one host", () => {
    expect(found(...first, ...place("h2", "q", "b", 2))).to.have.length(1);
    const both = applied("h1", ["p", "a", "10.0.0.2"], ["q", "b", "10.0.0.2"]);
    expect(found(...first, ...place("h1", "q", "b", 2), both)).to.have.length(1);
  });

  it("is kept where the first guest cannot act, is not plugged in, or is in no picture", () => {
    const second = place("h2", "p", "a", 2);
    for (const before of [
      acts("guestHeld", "h1", "a", 1),
      guest("guestEnded", { instanceId: "a", pid: 1 }),
      port("portLetGo", "h1", "p", "a"),
      port("portHeld", "h1", "p", "b"),
      applied("h1"),
      applied("h1", ["p", "b", "10.0.0.2"]),
      { kind: "pictureLost", atMs, hostId: "h1" } as const,
    ])
      expect(found(...first, before, ...second), before.kind).to.deep.equal([]);
    expect(found(...first, ...second.slice(0, -1))).to.deep.equal([]);
  });

  it("is broken again when a guest that was stopped goes on", () => {
    const facts = [...first, acts("guestHeld", "h1", "a", 1), ...place("h2", "p", "a", 2)];
    expect(found(...facts, acts("guestFree", "h1", "a", 1))).to.have.length(2);
  });

  it("is broken by a floating address that two hosts have for guests of theirs", () => {
    const second = place("h2", "q", "b", 2).slice(0, 2);
    const floating = { id: "f", address: "198.51.100.7", target: "10.0.0.2" };
    const leading = (hostId: string, portId: string, instanceId: string, address: string): Applied => {
      const { networking, ...fact } = applied(hostId, [portId, instanceId, address]);
      const router = { id: "r", interfaces: [], routes: [], outside: null };
      const routers = [{ ...router, floating: [{ ...floating, portId }] }];
      return { ...fact, networking: { ...networking, routers } };
    };
    const facts = [...first, leading("h1", "p", "a", "10.0.0.2"), ...second, acts("guestFree", "h2", "b", 2)];
    expect(found(...facts, leading("h2", "q", "b", "10.0.0.3"))).to.deep.equal([
      "The floating address 198.51.100.7 (f) answers on host h1 as port p of instance a " +
        "and on host h2 as port q of instance b.",
    ]);
    expect(
      found(...facts, applied("h1", ["p", "a", "10.0.0.2"]), leading("h2", "q", "b", "10.0.0.3")),
    ).to.deep.equal([]);
    const led: Fact = committed({ rows: [{ resource: floatingIp, removed: "other" }] }, { lastSequence: 2 });
    expect(found(...facts, led, leading("h2", "q", "b", "10.0.0.3"))).to.deep.equal([]);
  });
});
