/** What a computer lacks for the driver `bridge`, and what it carries, by value. */
import { expect } from "chai";
import { lackOf, type Seeing } from "../../../../nodes/drivers/bridge-network/probe.ts";
import { carriedBy } from "../../../../nodes/drivers/bridge-network/underlay.ts";

const whole: Seeing = { isRoot: true, hasProgram: () => true, hasTunDevice: true };

describe("A computer for the network driver bridge", () => {
  it("lacks nothing when it has all", () => {
    expect(lackOf(whole)).to.equal(undefined);
  });

  it("is told what it lacks, and what to do", () => {
    expect(lackOf({ ...whole, isRoot: false })).to.match(
      /needs an agent that is root.*or write network: user\.$/,
    );
    const without = (...names: string[]) => lackOf({ ...whole, hasProgram: (name) => !names.includes(name) });
    expect(without("nft")).to.equal(
      "The network driver bridge needs nft: apt install nftables, or write network: user.",
    );
    expect(without("nft", "bridge", "conntrack")).to.match(
      /needs bridge, nft, conntrack: apt install iproute2 nftables conntrack,/,
    );
    expect(lackOf({ ...whole, hasTunDevice: false })).to.match(/needs \/dev\/net\/tun: modprobe tun/);
  });

  it("carries what a tap can without an underlay, and less with one", () => {
    const mtuOf = (address: string) =>
      address.startsWith("192.0.2.") || address.includes("::") ? 1_500 : undefined;
    expect(carriedBy(undefined, mtuOf)).to.deep.equal({
      kind: "bridge",
      mtuBytesMax: 65_521,
      spansHosts: false,
    });
    expect(carriedBy("192.0.2.1", mtuOf)).to.deep.equal({
      ...{ kind: "bridge", mtuBytesMax: 1_450, spansHosts: true, underlay: "192.0.2.1" },
    });
    expect(carriedBy("2001:DB8::1", mtuOf)).to.include({ mtuBytesMax: 1_430, spansHosts: true });
    for (const wrong of ["198.51.100.1", "192.0.2.01", "host"])
      expect(() => carriedBy(wrong, mtuOf), wrong).to.throw(/No device of this computer has the address/);
  });
});
