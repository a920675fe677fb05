/** Two nodes of one cluster.yaml cannot be found at one address: the file is refused, with its line. */
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";

const bridge = (options: string) => `{ driver: bridge, options: ${options} }`;
const on = (address: string) => bridge(`{ underlayOn: { device: eth1, address: ${address} } }`);

/** `networks`: those of the nodes a, b, … */
const parse = (networks: readonly string[]) =>
  parseConfig(
    `nodes:\n${networks.map((one, at) => `  - name: ${"abc"[at]}\n    network: ${one}\n`).join("")}`,
    "/tmp/cluster.yaml",
  );

const refusal = (...networks: string[]): string => {
  try {
    parse(networks);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("It was accepted.");
};

describe("the underlays of the nodes", () => {
  it("are addresses of their own, or none", () => {
    const some = [
      bridge("{ underlay: 192.0.2.1 }"),
      bridge('{ underlay: "2001:db8::1" }'),
      on("192.0.2.2/24"),
    ];
    expect(parse(some).nodes).to.have.length(3);
    expect(parse(["bridge", "bridge", "{ driver: user }"]).nodes).to.have.length(3);
    const shared = "{ driver: user, options: { underlay: 192.0.2.1 } }";
    expect(parse([shared, shared]).nodes, "one switch").to.have.length(2);
  });

  it("are refused when a second node has the address of a first", () => {
    const own = bridge("{ underlay: 192.0.2.1 }");
    const cases: readonly (readonly [string, string, string])[] = [
      [own, own, "underlay"],
      [own, "{ driver: user, options: { underlay: 192.0.2.1 } }", "underlay"],
      [own, on("192.0.2.1/24"), "underlayOn.address"],
      [on("192.0.2.1/24"), on("192.0.2.1/16"), "underlayOn.address"],
    ];
    for (const [first, second, key] of cases)
      expect(refusal(first, "none", second)).to.contain(
        `/tmp/cluster.yaml:7: nodes.2.network.options.${key}: a has the underlay address 192.0.2.1 too. ` +
          "Give each node its own.",
      );
  });

  it("are compared as addresses, however they are spelled", () => {
    const [short, long] = ['{ underlay: "2001:db8::1" }', '{ underlay: "2001:DB8:0:0::1" }'].map(bridge);
    expect(refusal(short ?? "", long ?? "")).to.contain("has the underlay address 2001:db8::1 too");
  });
});
