/** What a client of the load asks of routers and floating addresses, by value. */
import { expect } from "chai";
import { createRandom } from "../../../nodes/chaos/random.ts";
import { Routing } from "../../../nodes/chaos/routing.ts";
import type { Novact } from "../../../nodes/sdk/sdk.ts";

const routing = () =>
  new Routing({ name: "c", novact: {} as Novact, random: createRandom(1, "routing"), outside: "out" });
const call = (method: string, id = "") => ({ method, id });
const shown = (id: string, ...ports: readonly (readonly [string, string])[]) => ({
  instance: { id, interfaces: ports.map(([portId, networkId]) => ({ portId, networkId })) },
});
const methodsOf = (load: Routing, command: Parameters<Routing["asked"]>[0]) =>
  new Set(Array.from({ length: 50 }, () => load.asked(command)?.method));

describe("chaos: routers of the load", () => {
  it("lead from a network of the client's own, which is asked for first", () => {
    const first = routing().first();
    expect(first.map(({ method }) => method)).to.deep.equal(["network.create", "subnet.create"]);
    expect(first.map(({ request }) => request.name)).to.deep.equal(["c-net", "c-net"]);
  });

  it("are made, joined, led and removed, one at a time, as answers have told", () => {
    const load = routing();
    for (const command of ["unroute", "lead", "refloat", "unfloat"] as const)
      expect(load.asked(command), command).to.equal(undefined);
    expect(load.asked("route")?.request).to.deep.equal({ name: "c-router", externalNetwork: "out" });
    load.learn(call("router.create"), { router: { id: "r" } });
    expect(load.asked("route")).to.deep.include({ method: "router.addInterface", id: "r" });
    load.learn(call("router.addInterface", "r"), { router: { id: "r", interfaces: [{ portId: "g" }] } });
    expect(load.asked("route")?.method).to.equal("router.set");
    load.learn(call("router.removeInterface", "r"), { router: { id: "r", interfaces: [] } });
    expect(methodsOf(load, "unroute")).to.deep.equal(new Set(["router.delete", "router.removeInterface"]));
    expect(load.asked("lead")).to.deep.include({ method: "router.set", id: "r" });
    load.learn(call("router.delete", "r"), "refused");
    expect(load.asked("route")?.id).to.equal("r");
    // Perhaps it was executed: another one is made, and this one is found by its name at the end.
    load.learn(call("router.delete", "r"), undefined);
    expect(load.asked("route")?.method).to.equal("router.create");
  });

  it("have floating addresses that lead to ports of the client's own network alone", () => {
    const load = routing();
    expect(load.asked("float")?.request).to.deep.equal({ network: "out" });
    load.learn(call("network.create"), { network: { id: "n" } });
    load.learn(call("instance.create"), { all: [shown("i", ["p", "n"], ["q", "shared"])] });
    expect(load.asked("float")?.request).to.deep.equal({ network: "out", target: { port: "p" } });
    load.learn(call("floating-ip.create"), { floatingIp: { id: "f" } });
    expect(load.asked("refloat")?.id).to.equal("f");
    load.learn(call("floating-ip.delete", "f"), "refused");
    expect(load.asked("unfloat")).to.equal(undefined);
    load.learn(call("instance.get", "i"), shown("i"));
    expect(load.asked("float")?.request).to.deep.equal({ network: "out" });
  });
});
