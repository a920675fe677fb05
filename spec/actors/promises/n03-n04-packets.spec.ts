/**
 * N2, N3, N4, N6, N8, N9 and N10 of packets: one that no moment intended is found, and so is one that should
 * arrive.
 */
import { expect } from "chai";
import type { Checker, Fact } from "../../../actors/promises/facts.ts";
import { onlyWhatIsAllowed } from "../../../actors/promises/n02-only-what-is-allowed.ts";
import { nothingForged } from "../../../actors/promises/n03-nothing-forged.ts";
import { networksApart } from "../../../actors/promises/n04-networks-apart.ts";
import { picturesArrive } from "../../../actors/promises/n06-pictures-arrive.ts";
import { rulesFirst } from "../../../actors/promises/n08-rules-first.ts";
import { restartsChangeNothing } from "../../../actors/promises/n09-restarts-change-nothing.ts";
import { revokedIsOver } from "../../../actors/promises/n10-revoked-is-over.ts";
import type { PacketFact } from "../../../actors/promises/network-facts.ts";
import { address, groupMembership, port } from "../../../protocol/port.ts";
import { securityGroupRule } from "../../../protocol/security-group.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import { committed, judged } from "./worlds.ts";

const made = (resource: Resource, row: object) => ({
  ...{ resource, made: { createdAtMs: 1, version: 1, name: "x", ...row } as ResourceRow },
});
const rule = (id: string, direction: string, given: object = {}) =>
  made(securityGroupRule, {
    ...{ id, groupId: "g", direction, ipVersion: 4, protocol: null, portMin: null, portMax: null },
    ...{ remoteCidr: null, remoteGroupId: null, ...given },
  });
const portOf = (id: string, networkId: string, last: number, groupId = "g") => [
  made(port, { id, networkId, mac: `m${last}`, portSecurity: true, addressPairs: [] }),
  made(address, { id: `a${id}`, name: `10.0.0.${last}`, subnetId: "s", portId: id }),
  made(groupMembership, { id: `g${id}`, groupId, portId: id }),
];

/** Ports 1 and 2 on one network, 3 on another, 4 in no group; then the rule for port 80 goes. */
const history: readonly Fact[] = [
  committed(
    {
      rows: [
        ...[rule("out", "egress"), rule("in", "ingress", { protocol: 17, portMin: 80, portMax: 90 })],
        rule("own", "ingress", { protocol: 17, portMin: 22, portMax: 22, remoteGroupId: "g" }),
        ...[...portOf("1", "n", 1), ...portOf("2", "n", 2), ...portOf("3", "other", 3)],
        ...portOf("4", "n", 4, "none"),
      ],
    },
    { lastSequence: 1 },
  ),
  committed({ rows: [{ resource: securityGroupRule, removed: "in" }] }, { lastSequence: 2 }),
];

const packet = (
  from: number,
  to: number,
  given: Partial<PacketFact> = {},
  destinationPort = 80,
): PacketFact => ({
  ...{ kind: "packet", atMs: 0, from: `${from}`, to: `${to}`, forged: null, isAnswer: false, isLast: false },
  ...{ delivered: true, versions: [1, 2], reach: true, ruled: true, heard: true },
  flow: { source: `10.0.0.${from}`, destination: `10.0.0.${to}`, sourcePort: 1, destinationPort },
  ...given,
});
const nothing = { version: 3, networks: [], groups: [] };
const found = (checker: Checker, ...packets: readonly PacketFact[]) =>
  judged(checker, [...history, ...packets]).length;

describe("promises about packets", () => {
  it("N2 is kept by what was allowed at a moment that one of both hosts may know, and by answers", () => {
    const checker = onlyWhatIsAllowed();
    expect(found(checker, packet(1, 2), packet(1, 2, { versions: [2, 2] }, 22))).to.equal(0);
    const answer = packet(2, 1, { isAnswer: true, versions: [2, 2] });
    expect(found(onlyWhatIsAllowed(), answer, packet(1, 2, { delivered: false, versions: [2, 2] }))).to.equal(
      0,
    );
  });

  it("N2 is broken by what no rule allows any more, to a port or in a group that none names", () => {
    expect(found(onlyWhatIsAllowed(), packet(1, 2, { versions: [2, 2] }))).to.equal(1);
    expect(found(onlyWhatIsAllowed(), packet(1, 2, {}, 91))).to.equal(1);
    expect(found(onlyWhatIsAllowed(), packet(4, 2), packet(1, 4))).to.equal(2);
    const stranger = { ...packet(1, 2, {}, 22).flow, source: "10.0.0.77" };
    expect(found(onlyWhatIsAllowed(), packet(1, 2, { flow: stranger }))).to.equal(1);
  });

  it("N3 is broken by a forged packet that arrives, and kept by one that does not", () => {
    expect(found(nothingForged(), packet(1, 2, { forged: "arp" }))).to.equal(1);
    expect(found(nothingForged(), packet(1, 2, { forged: "arp", delivered: false }), packet(1, 2))).to.equal(
      0,
    );
  });

  it("N4 is broken by a packet from one network to another", () => {
    expect(found(networksApart(), packet(1, 3))).to.equal(1);
    expect(found(networksApart(), packet(1, 2), packet(1, 3, { delivered: false }))).to.equal(0);
  });

  it("N6 is broken by what is allowed at rest and does not arrive, and by an answer that does not", () => {
    const lost = { delivered: false, isLast: true, versions: [2, 2] };
    expect(found(picturesArrive(), packet(1, 2, lost, 22))).to.equal(1);
    expect(found(picturesArrive(), packet(2, 1, { delivered: false, isAnswer: true }))).to.equal(1);
    const kept = [packet(1, 2, lost), packet(1, 3, lost, 22), packet(1, 2, { ...lost, reach: false }, 22)];
    expect(found(picturesArrive(), ...kept, packet(1, 2, { ...lost, isLast: false }, 22))).to.equal(0);
  });

  it("N8 is broken by a packet that passes before its rules are applied", () => {
    expect(found(rulesFirst(), packet(1, 2, { ruled: false }))).to.equal(1);
    expect(found(rulesFirst(), packet(1, 2), packet(1, 2, { ruled: false, delivered: false }))).to.equal(0);
  });

  it("N9 is broken by a packet whose fate has changed though nothing was applied", () => {
    const dropped = packet(1, 2, { delivered: false });
    expect(found(restartsChangeNothing(), packet(1, 2), dropped)).to.equal(1);
    expect(found(restartsChangeNothing(), dropped, packet(1, 2), dropped)).to.equal(2);
    const applied: Fact = { kind: "applied", atMs: 0, hostId: "h", networking: nothing };
    const lost: Fact = { kind: "pictureLost", atMs: 0, hostId: "h" };
    for (const change of [applied, lost])
      expect(judged(restartsChangeNothing(), [packet(1, 2), change, dropped])).to.deep.equal([]);
  });

  it("N9 says nothing of other packets, of answers, and of guests that do not run", () => {
    const others = [packet(1, 2, { delivered: false }, 81), packet(2, 1, { delivered: false })];
    const followers = [{ isAnswer: true }, { connection: packet(1, 2) }, { heard: false }].map((given) =>
      packet(1, 2, { ...given, delivered: false }),
    );
    expect(found(restartsChangeNothing(), packet(1, 2), ...others, ...followers)).to.equal(0);
  });

  it("N10 is broken by a connection that goes on when both hosts know that its rule is gone", () => {
    const connection = packet(1, 2);
    const on = (given: Partial<PacketFact>) => packet(1, 2, { connection, ...given });
    const back = packet(2, 1, { connection, versions: [2, 2] }, 20_000);
    expect(found(revokedIsOver(), on({ versions: [2, 2] }), back)).to.equal(2);
    expect(found(onlyWhatIsAllowed(), on({ versions: [2, 2] }))).to.equal(0);
    expect(found(revokedIsOver(), on({}), on({ versions: [2, 2], delivered: false }))).to.equal(0);
    // What a rule allows by itself may begin anew at any time.
    expect(found(revokedIsOver(), packet(1, 2, { connection, versions: [2, 2] }, 22))).to.equal(0);
  });

  it("N10 takes a caller's packet for an answer once it was cut off and called back, and not before", () => {
    const flowOf = (from: number, to: number, sourcePort: number, destinationPort: number) => ({
      flow: { ...packet(from, to).flow, sourcePort, destinationPort },
    });
    const connection = packet(1, 2, flowOf(1, 2, 22, 81));
    const late = { connection, versions: [2, 2] };
    const forward = packet(1, 2, { ...late, ...flowOf(1, 2, 22, 81) });
    // Everybody may call port 22.
    const back = packet(2, 1, { ...late, ...flowOf(2, 1, 81, 22) });
    const cut = { ...forward, delivered: false };
    expect(found(revokedIsOver(), back, forward)).to.equal(1);
    expect(found(revokedIsOver(), cut, back, forward)).to.equal(0);
    expect(found(revokedIsOver(), cut, back, cut, forward)).to.equal(1);
    // A host of an older picture, as the former one of a floating address, ends nothing that was begun
    // elsewhere.
    expect(found(revokedIsOver(), cut, back, { ...cut, versions: [1] }, forward)).to.equal(0);
  });
});
