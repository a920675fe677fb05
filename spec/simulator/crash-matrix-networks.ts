/** Instances on networks in the crash matrix, as data. */
import { ask, command, type Operation } from "./crash-matrix-acts.ts";

const on = { parameters: { oneVersion: true } } as const;

/** Its range has room for five ports. */
const prepared = [
  ask("network.create", "", { name: "net" }),
  { ...ask("subnet.create", "", { name: "of", network: "net", cidr: "10.0.0.0/29" }), atMs: 800 },
];
const wanted = { name: "plugged", flavor: "tiny", image: "tiny", networks: [{ network: "net" }] };
const create = (more: object = {}) => ask("instance.create", "", { ...wanted, ...more });
const made = [...prepared, { ...create(), atMs: 1_600 }];
const mine = [...prepared, { ...ask("port.create", "", { name: "mine", network: "net" }), atMs: 1_200 }];
const port = (count: number, event: string) => Array.from({ length: count }, () => `port ${event}`);
/** What was prepared is there in the end as well. */
const base = ["network created", "security-group created", "subnet created"];
const bare = ["network created", "subnet created"];

/** As commands of the client's own instance name networks and addresses. */
const wired = [
  ask("network.create", "", { name: "net-0" }),
  { ...ask("subnet.create", "", { name: "of-0", network: "net-0", cidr: "10.0.0.0/29" }), atMs: 800 },
  { ...create({ networks: [{ network: "net-0" }] }), atMs: 1_600 },
];
const stopped = [...wired, command("stopHard", 4_000)];
const inState = (state: string, events: readonly string[]) =>
  [...base, ...events.map((event) => `port ${event}`), state].sort();
const plugged = (...events: readonly string[]) => inState("running", events);
const down = (...events: readonly string[]) => inState("stopped", events);

/** An instance in a port of the client's own, which one of the host may lead to. */
const reachable = [...mine, { ...create({ networks: [{ port: "mine" }] }), atMs: 1_600 }];
const publish = ask("published-port.create", "", { networkPort: "mine", hostPort: 8_000, port: 80 });
const published = [...reachable, { ...publish, atMs: 5_000 }];
const publication = (event: string) => [...base, "port created", `published-port ${event}`, "running"].sort();

export const networks: readonly Operation[] = [
  {
    ...{ ...on, name: "network: attach an interface", prepare: wired },
    act: [command("interfaceAttach", 0, { target: 2 })],
    done: [plugged("created", "created")],
    undone: [plugged("created"), plugged("created", "deleted")],
  },
  {
    ...{ ...on, name: "network: detach an interface", prepare: wired },
    act: [command("interfaceDetach", 0, { target: 0 })],
    done: [plugged("deleted")],
    undone: [plugged("created")],
  },
  {
    ...{ ...on, name: "network: attach while stopped", prepare: stopped },
    act: [command("interfaceAttach", 0, { target: 2 })],
    done: [down("created", "created")],
    undone: [down("created"), down("created", "deleted")],
  },
  {
    ...{ ...on, name: "network: detach while stopped", prepare: stopped },
    act: [command("interfaceDetach", 0, { target: 0 })],
    done: [down("deleted")],
    undone: [down("created")],
  },
  {
    ...{ ...on, name: "network: publish a port", prepare: reachable, act: [publish] },
    done: [publication("created")],
    undone: [plugged("created")],
  },
  {
    ...{ ...on, name: "network: take a published port back", prepare: published },
    act: [ask("published-port.delete", "8000")],
    done: [publication("deleted")],
    undone: [publication("created")],
  },
  {
    ...{ ...on, name: "network: delete with a published port", prepare: published },
    act: [{ atMs: 0, command: "delete" }],
    done: [
      [...base, "port created", "published-port created", "deleted"].sort(),
      [...base, "port created", "published-port deleted", "deleted"].sort(),
    ],
    undone: [publication("created")],
  },
  {
    ...{ ...on, name: "network: create on it", prepare: prepared, act: [create()] },
    done: [[...base, ...port(1, "created"), "running"].sort()],
    undone: [bare, base],
  },
  {
    ...{ ...on, name: "network: create of 3 on it", prepare: prepared, act: [create({ count: 3 })] },
    done: [[...base, ...port(3, "created"), "running", "running", "running"].sort()],
    undone: [bare, base],
  },
  {
    // Of five addresses: one of the two has too few, whichever comes first.
    ...{ ...on, name: "network: creates beyond its addresses", prepare: prepared },
    act: [create({ count: 3 }), create({ name: "more", count: 3 })],
    done: [[...base, ...port(3, "created"), "running", "running", "running"].sort()],
    undone: [bare, base, [...base, ...port(3, "created"), "running", "running", "running"].sort()],
  },
  {
    ...{ ...on, name: "network: create in a port", prepare: mine },
    act: [create({ networks: [{ port: "mine" }] })],
    done: [[...base, ...port(1, "created"), "running"].sort()],
    undone: [[...base, ...port(1, "created")].sort()],
  },
  {
    ...{ ...on, name: "network: delete of an instance on it", prepare: made },
    act: [{ atMs: 0, command: "delete" }],
    done: [[...base, ...port(1, "deleted"), "deleted"].sort()],
    undone: [[...base, ...port(1, "created"), "running"].sort()],
  },
  {
    ...{ ...on, name: "network: delete of a port in use", prepare: made },
    act: [ask("network.delete", "net")],
    done: [[...base, ...port(1, "created"), "running"].sort()],
    undone: [[...base, ...port(1, "created"), "running"].sort()],
  },
];
