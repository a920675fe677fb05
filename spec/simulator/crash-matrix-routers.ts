/**
 * Networks, subnets, routers and floating addresses in the crash matrix, as data. A host that has a guest
 * behind a router makes and releases what the router needs there, each in steps of its own.
 */
import { type Act, ask, command, type Operation } from "./crash-matrix-acts.ts";

const on = { parameters: { oneVersion: true } } as const;
const later = (act: Act, atMs: number): Act => ({ ...act, atMs });
const byOperator = (method: string, request: Readonly<Record<string, unknown>>): Act => ({
  ...{ atMs: 0, ask: method, id: "", request, operator: true },
});

const net = ask("network.create", "", { name: "net" });
const range = ask("subnet.create", "", { name: "of", network: "net", cidr: "10.0.0.0/29" });
const mine = ask("port.create", "", { name: "port-1", network: "net" });
const guest = ask("instance.create", "", {
  ...{ name: "behind", flavor: "tiny", image: "tiny", networks: [{ port: "port-1" }] },
});
const router = ask("router.create", "", { name: "router", externalNetwork: "outside" });
const inward = ask("router.create", "", { name: "router" });
const add = ask("router.addInterface", "router", { subnet: "of" });
const remove = ask("router.removeInterface", "router", { subnet: "of" });
const lead = (externalNetwork: string | null) => ask("router.set", "router", { externalNetwork });
const target = { port: "port-1" };
const floating = (more: object = {}) => ask("floating-ip.create", "", { network: "outside", ...more });
/** Of the client's only floating address: commands name the port by the target, and no port by a fourth. */
const setFloating = (isLed: boolean) => command("floatingSet", 0, { target: isLed ? 1 : 4 });

const outside = [
  byOperator("network.create", { name: "outside", external: true, physicalNetwork: "public" }),
  later(byOperator("subnet.create", { name: "of-outside", network: "outside", cidr: "192.0.2.0/29" }), 600),
];
const ranged = [net, later(range, 600)];
const running = [...ranged, later(mine, 1_200), later(guest, 1_800)];
const routed = [...running, ...outside, later(router, 1_200), later(add, 2_400)];
const answering = [...routed, later(floating({ target }), 4_000)];

const outsideMade = ["network created", "subnet created"];
const rangedMade = ["network created", "subnet created"];
const runningMade = [...rangedMade, "security-group created", "port created", "running"];
const all = (...things: readonly (string | readonly string[])[]) => things.flat().sort();
const behind = (...things: readonly string[]) => all(outsideMade, runningMade, things);

const made: readonly Operation[] = [
  {
    ...{ ...on, name: "network: create", prepare: [], act: [net] },
    ...{ done: [["network created"]], undone: [[]] },
  },
  {
    ...{ ...on, name: "network: delete", prepare: ranged, act: [ask("network.delete", "net")] },
    ...{ done: [["network deleted", "subnet created"]], undone: [rangedMade] },
  },
  {
    ...{ ...on, name: "network: create a subnet", prepare: [net], act: [range] },
    ...{ done: [rangedMade], undone: [["network created"]] },
  },
  {
    ...{ ...on, name: "network: delete a subnet", prepare: ranged, act: [ask("subnet.delete", "of")] },
    ...{ done: [["network created", "subnet deleted"]], undone: [rangedMade] },
  },
];

const routers: readonly Operation[] = [
  {
    ...{ ...on, name: "router: create", prepare: outside, act: [router] },
    ...{ done: [all(outsideMade, "router created")], undone: [outsideMade] },
  },
  {
    ...{ ...on, name: "router: delete", prepare: [...outside, later(router, 1_200)] },
    act: [ask("router.delete", "router")],
    ...{ done: [all(outsideMade, "router deleted")], undone: [all(outsideMade, "router created")] },
  },
  {
    ...{ ...on, name: "router: attach an interface" },
    ...{ prepare: [...running, ...outside, later(router, 1_200)], act: [add] },
    ...{ done: [behind("router interfaceAdded")], undone: [behind("router created")] },
  },
  {
    ...{ ...on, name: "router: detach an interface", prepare: routed, act: [remove] },
    ...{ done: [behind("router interfaceRemoved")], undone: [behind("router interfaceAdded")] },
  },
  {
    ...{ ...on, name: "router: lead it outside" },
    prepare: [...running, ...outside, later(inward, 1_200), later(add, 2_400)],
    act: [lead("outside")],
    ...{ done: [behind("router changed")], undone: [behind("router interfaceAdded")] },
  },
  {
    ...{ ...on, name: "router: lead it nowhere outside", prepare: routed, act: [lead(null)] },
    ...{ done: [behind("router changed")], undone: [behind("router interfaceAdded")] },
  },
  {
    ...{ ...on, name: "router: first guest behind it" },
    prepare: [...ranged, later(mine, 1_200), ...outside, later(router, 1_200), later(add, 2_400)],
    act: [guest],
    done: [behind("router interfaceAdded")],
    undone: [all(outsideMade, rangedMade, "port created", "router interfaceAdded", "security-group created")],
  },
  {
    ...{ ...on, name: "router: last guest behind it", prepare: routed, act: [command("delete")] },
    done: [
      behind("router interfaceAdded")
        .map((one) => (one === "running" ? "deleted" : one))
        .sort(),
    ],
    undone: [behind("router interfaceAdded")],
  },
];

const addresses: readonly Operation[] = [
  {
    ...{ ...on, name: "floating address: create", prepare: outside, act: [floating()] },
    ...{ done: [all(outsideMade, "floating-ip created")], undone: [outsideMade] },
  },
  {
    ...{ ...on, name: "floating address: create for a guest", prepare: routed, act: [floating({ target })] },
    done: [behind("router interfaceAdded", "floating-ip created")],
    undone: [behind("router interfaceAdded")],
  },
  {
    ...{ ...on, name: "floating address: lead it to a guest" },
    prepare: [...routed, later(floating(), 4_000)],
    act: [setFloating(true)],
    done: [behind("router interfaceAdded", "floating-ip changed")],
    undone: [behind("router interfaceAdded", "floating-ip created")],
  },
  {
    ...{ ...on, name: "floating address: lead it nowhere", prepare: answering },
    act: [setFloating(false)],
    done: [behind("router interfaceAdded", "floating-ip changed")],
    undone: [behind("router interfaceAdded", "floating-ip created")],
  },
  {
    ...{ ...on, name: "floating address: delete", prepare: answering, act: [command("floatingDelete")] },
    done: [behind("router interfaceAdded", "floating-ip deleted")],
    undone: [behind("router interfaceAdded", "floating-ip created")],
  },
];

export const routing: readonly Operation[] = [...made, ...routers, ...addresses];
