/** The network driver of a node that leaves it to `up`: in the configuration, and in an argument. */
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { networkArgument, readNetworkArgument } from "../../../nodes/config/network-choice.ts";

const nodeOf = (words: string) => parseConfig(`nodes: [{ name: a, ${words} }]`, "/f/cluster.yaml").nodes[0];

describe("a network driver that is left to up", () => {
  it("is that of a node with real guests that names none, or says auto", () => {
    for (const words of ["hypervisor: qemu", "network: auto"]) {
      const node = nodeOf(words);
      expect([node?.leavesNetwork, node?.drivers.network?.driver], words).to.deep.equal([true, "user"]);
    }
    for (const words of [
      "network: user",
      "network: none",
      "hypervisor: fake",
      "hypervisor: fake, network: auto",
    ])
      expect(nodeOf(words)?.leavesNetwork, words).to.equal(false);
    expect(nodeOf("network: none")?.drivers.network).to.equal(undefined);
  });

  it("comes to the node's process as it was chosen", () => {
    const options = { underlayOn: { device: "nva0", address: "198.18.0.1/16" } };
    const choice = { driver: "bridge", options, why: "The computer can." } as const;
    expect(readNetworkArgument(networkArgument(choice))).to.deep.equal(choice);
    const told = { ...choice, why: "nft:\n\tno such file" };
    expect(readNetworkArgument(networkArgument(told)).why).to.equal("nft: no such file");
  });

  it("is refused when it is none", () => {
    const good = { driver: "bridge", options: {}, why: "" };
    const bad = [
      "",
      "{",
      "null",
      { ...good, driver: "fake" },
      { ...good, options: { outside: 7 } },
      { driver: "user" },
    ];
    for (const one of bad)
      expect(() => readNetworkArgument(typeof one === "string" ? one : JSON.stringify(one))).to.throw(
        /--network/,
      );
  });
});
