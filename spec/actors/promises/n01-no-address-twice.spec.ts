/** N1: an address or a MAC that two ports have is found, and so are subnets that overlap. */
import { expect } from "chai";
import type { Committed } from "../../../actors/promises/facts.ts";
import { noAddressTwice } from "../../../actors/promises/n01-no-address-twice.ts";
import type { PortHeld } from "../../../actors/promises/network-facts.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { subnet } from "../../../protocol/network.ts";
import { address, plug, port } from "../../../protocol/port.ts";
import { publishedPort } from "../../../protocol/published-port.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import { createTurn } from "../../support/store-rows.ts";
import { amounts, facts, history, judged, quiet, refused } from "./worlds.ts";

const made = (resource: Resource, row: object): Commit => ({
  rows: [{ resource, made: { createdAtMs: 1, version: 1, name: "x", ...row } as ResourceRow }],
});
const gone = (resource: Resource, id: string): Commit => ({ rows: [{ resource, removed: id }] });
const plugged = (id: string, mac: string, networkId = "n") => made(port, { id, mac, networkId });
const given = (id: string, name: string, portId: string, subnetId = "s") =>
  made(address, { id, name, portId, subnetId });
const ranged = (id: string, cidr: string, networkId = "n") => made(subnet, { id, cidr, networkId });
const found = (...commits: readonly Commit[]) => judged(noAddressTwice(), history(...commits));

describe("promise N1", () => {
  it("is kept by ports that differ, and by those that are of another network or subnet", () => {
    expect(found(plugged("p", "a"), plugged("q", "b"), plugged("r", "a", "m"))).to.deep.equal([]);
    expect(found(given("1", "10.0.0.2", "p"), given("2", "10.0.0.2", "q", "t"))).to.deep.equal([]);
    expect(found(ranged("s", "10.0.0.0/24"), ranged("t", "10.0.1.0/24"))).to.deep.equal([]);
    expect(found(ranged("s", "10.0.0.0/24"), ranged("t", "10.0.0.0/24", "m"))).to.deep.equal([]);
  });

  it("is kept by an address that was free again, with its port or alone", () => {
    const first = given("1", "10.0.0.2", "p");
    expect(found(first, gone(address, "1"), given("2", "10.0.0.2", "q"))).to.deep.equal([]);
    expect(found(plugged("p", "a"), first, gone(port, "p"), given("2", "10.0.0.2", "q"))).to.deep.equal([]);
    expect(found(plugged("p", "a"), gone(port, "p"), plugged("q", "a"))).to.deep.equal([]);
  });

  it("is kept by a port of hosts that was free again, alone or with its plug, and broken by two that have it", () => {
    const published = (id: string, portId: string, hostPort = 8_080) =>
      made(publishedPort, { id, portId, hostPort, protocol: "tcp", port: 80 });
    expect(found(published("1", "p"), published("2", "q", 8_081))).to.deep.equal([]);
    expect(found(published("1", "p"), gone(publishedPort, "1"), published("2", "q"))).to.deep.equal([]);
    expect(found(published("1", "p"), gone(plug, "p"), published("2", "q"))).to.deep.equal([]);
    expect(found(published("1", "p"), gone(plug, "q"), published("2", "q"))).to.deep.equal([
      "The port 8080 of hosts is published by 1 and 2.",
    ]);
  });

  it("is broken by two ports of one address or MAC, and by subnets that overlap", () => {
    expect(found(given("1", "10.0.0.2", "p"), given("2", "10.0.0.2", "q"))).to.deep.equal([
      "The address 10.0.0.2 of subnet s is given by 1 and 2.",
    ]);
    expect(found(plugged("p", "a"), plugged("q", "a"))).to.deep.equal([
      "The MAC a of network n is that of ports p and q.",
    ]);
    expect(found(ranged("s", "10.0.0.0/24"), ranged("t", "10.0.0.128/25"))).to.deep.equal([
      "The subnets s and t of one network overlap.",
    ]);
  });

  const held = made(plug, { id: "p", portId: "p", device: "instance", deviceId: "i" });
  const claimed: Commit = {
    claims: [{ instanceId: "i", ownerEpoch: 1, hostId: "h", ...amounts(1), leaseEpoch: 1, numa: null }],
  };

  it("is broken by a port that is let go of while a host has its instance, and by one that never is", () => {
    const released: Commit = { claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] };
    expect(found(held, claimed, released, gone(plug, "p"))).to.deep.equal([]);
    expect(found(held, claimed, { ...released, ...gone(plug, "p") })).to.deep.equal([]);
    expect(found(held, claimed, gone(plug, "p"))).to.deep.equal([
      "The port p is let go of while host h may have instance i.",
    ]);
    const end = quiet({ instances: [facts("i", { deleted: true })] });
    expect(judged(noAddressTwice(), [...history(held), end])).to.deep.equal([
      "The port p is held for instance i, which is gone.",
    ]);
  });

  it("is kept by a port that an instance which goes on lets go of when its host has, and broken before or after", () => {
    const born = createTurn("i");
    const goesOn = { ...born, ...claimed };
    const at = (kind: PortHeld["kind"], instanceId = "i"): PortHeld => ({
      ...{ kind, atMs: 1, hostId: "h", instanceId, portId: "p" },
    });
    const began = history(held, goesOn);
    const left = history(gone(plug, "p"));
    const found = (...facts: readonly (PortHeld | Committed)[]) =>
      judged(noAddressTwice(), [...began, ...facts]);
    expect(found(at("portHeld"), at("portLetGo"), ...left)).to.deep.equal([]);
    expect(found(at("portHeld"), ...left)).to.deep.equal([
      "The port p is let go of while host h has it for instance i.",
    ]);
    expect(found(...left, at("portHeld"))).to.deep.equal([
      "Host h has the port p for instance i, which has let go of it.",
    ]);
    const mine = made(plug, { id: "p", portId: "p", device: "instance", deviceId: "j" });
    expect(
      found(at("portHeld"), at("portLetGo"), ...left, ...history(mine), at("portHeld", "j")),
    ).to.deep.equal([]);
  });

  it("is not broken by a commit that was refused", () => {
    const both = [...history(plugged("p", "a")), refused(plugged("q", "a"))];
    expect(judged(noAddressTwice(), both)).to.deep.equal([]);
  });
});
