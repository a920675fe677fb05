/** Addresses of a run of chaos, judged by the events alone. By value. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { judgeAddresses } from "../../../nodes/chaos/addresses-judged.ts";

type Body = Readonly<Record<string, unknown>>;

/** Events in this order, as the operator's watcher got them. */
const judged = (...told: readonly (readonly [noun: string, id: string, event: string, body?: Body])[]) => {
  const facts = told.map(
    ([noun, id, event, body = {}], at): Fact => ({
      ...{ kind: "watched", atMs: 1, watcher: "w", project: "admin" },
      event: { sequence: at + 1, atMs: 5, project: "demo", noun, id, event, body },
    }),
  );
  // Told twice, and late: the order is that of the numbers.
  return judgeAddresses([...facts, ...facts].reverse()).map(
    ({ promise, message }) => `${promise}: ${message}`,
  );
};
const port = (id: string, address: string) =>
  ["port", id, "created", { addresses: [{ subnetId: "s", address }] }] as const;
const gate = (event: string) =>
  ["router", "r", event, { portId: "g", subnetId: "s", address: "10.0.0.1" }] as const;
const target = { portId: "p", address: "10.0.0.2", routerId: "r" };
const floating = (id: string, name: string, to: Body | null) =>
  ["floating-ip", id, "created", { name, networkId: "n", target: to }] as const;

describe("chaos: addresses", () => {
  it("are kept by holders one after the other, and by floating addresses that lead through a router", () => {
    expect(
      judged(
        ...[port("p", "10.0.0.2"), gate("interfaceAdded"), floating("f", "192.0.2.2", target)],
        ...[["floating-ip", "f", "changed", { target: null }] as const, floating("h", "192.0.2.3", target)],
        ...[["port", "p", "deleted"] as const, port("q", "10.0.0.2"), gate("interfaceRemoved")],
        ...[["floating-ip", "f", "deleted"] as const, floating("i", "192.0.2.2", null)],
        port("o", "10.0.0.1"),
      ),
    ).to.deep.equal([]);
  });

  it("break N1 with two holders at once", () => {
    expect(judged(port("p", "10.0.0.2"), port("q", "10.0.0.2"))).to.deep.equal([
      "N1: The address 10.0.0.2 of s is p's, and q's.",
    ]);
    expect(judged(port("p", "10.0.0.1"), gate("interfaceAdded"))).to.have.length(1);
    expect(judged(floating("f", "192.0.2.2", null), floating("h", "192.0.2.2", null))).to.have.length(1);
  });

  it("break N5 when two lead to one address of a port, or through a router that leads nowhere", () => {
    const led = [port("p", "10.0.0.2"), gate("interfaceAdded"), floating("f", "192.0.2.2", target)] as const;
    expect(judged(...led, floating("h", "192.0.2.3", target))).to.deep.equal([
      "N5: The floating addresses f and h lead to p 10.0.0.2.",
    ]);
    expect(judged(floating("f", "192.0.2.2", target))).to.deep.equal([
      "N5: The floating address f leads through r, which leads nowhere.",
    ]);
  });
});
