/** Looks at hosts that are being broken: one that fails is no answer, and ends nothing. */
import { expect } from "chai";
import type { HostLook } from "../../../actors/promises/host-look.ts";
import { lookAtHosts } from "../../../nodes/chaos/host-looks.ts";
import type { ClusterConfig } from "../../../nodes/config/config.ts";

const nodes = [
  { name: "a" },
  { name: "cut" },
  { name: "silent" },
  { name: "fake", pretends: true },
  { name: "b" },
];
const config: unknown = { nodes };
const lookOf = (hostId: string): HostLook => ({
  ...{ kind: "hostLook", hostId, atMs: 1, untilMs: 2, version: 3, answers: [] },
});

describe("chaos: looks at hosts", () => {
  it("go on behind one whose answer was cut, and see nothing on hosts that pretend", async () => {
    const asked: string[] = [];
    const seen: string[] = [];
    const look = async (_: ClusterConfig, name: string) => {
      asked.push(name);
      if (name === "cut") JSON.parse('{"nftables": [');
      return name === "silent" ? undefined : lookOf(name);
    };
    for await (const { hostId } of lookAtHosts(config as ClusterConfig, look)) seen.push(hostId);
    expect([asked, seen]).to.deep.equal([
      ["a", "cut", "silent", "b"],
      ["a", "b"],
    ]);
  });
});
