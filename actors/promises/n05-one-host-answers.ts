/**
 * N5: whatever a port answers for, it answers for on one host at a time, and for one instance: the port
 * itself, each of its addresses, and each floating address that leads to it. A host answers as long as the
 * guest that it has plugged in can act, and its picture has the port with that guest. For a floating address
 * it counts once it has heard of the last change of one: of what a client leads elsewhere, the host that had
 * it hears a moment later. A call to a floating address comes to the port alone to which it leads.
 */
import { floatingIp, floatingTarget } from "../../protocol/floating-ip.ts";
import type { HostNetworking, RouterPicture } from "../../protocol/networking.ts";
import type { Checker, Committed, Fact, GuestHeld, GuestProcess } from "./facts.ts";
import { isCommitted } from "./ledger.ts";
import type { Applied, PacketFact, PictureLost, PortHeld } from "./network-facts.ts";
import { NetworkingHistory } from "./networking-history.ts";
import { portCalled } from "./packet-ways.ts";

interface Host {
  networking: HostNetworking | undefined;
  /** Ids of instances by port. */
  readonly held: Map<string, string>;
  /** Ids of instances by the pid of the process, which can act. */
  readonly acting: Map<number, string>;
}

type Change = PortHeld | Applied | PictureLost | GuestProcess | GuestHeld;

export function oneHostAnswers(): Checker {
  const hosts = new Map<string, Host>();
  const history = new NetworkingHistory();
  /** Number of the event of the last change of floating addresses. */
  let ledAt = 0;
  return {
    promise: "N5",
    see(fact) {
      if (fact.kind === "committed") history.apply(fact);
      if (fact.kind === "packet") return misled(history, fact);
      if (isCommitted(fact) && leads(fact)) ledAt = Math.max(ledAt, fact.result.lastSequence);
      if (!isChange(fact)) return [];
      const host = hosts.get(fact.hostId) ?? { networking: undefined, held: new Map(), acting: new Map() };
      hosts.set(fact.hostId, host);
      take(host, fact);
      return isMore(fact) ? twice(hosts, ledAt) : [];
    },
  };
}

/** It came to a port to which the address led at no moment that the host may know. */
function misled(history: NetworkingHistory, { delivered, way, to, versions }: PacketFact): readonly string[] {
  if (!delivered || way?.kind !== "comes" || way.address === null) return [];
  const { address } = way;
  const rows = history.cellSince(Math.min(...versions));
  if (rows.length === 0 || rows.some((one) => portCalled(one, address) === to)) return [];
  return [`Port ${to} got a call to the floating address ${address}, which never led there.`];
}

const leads = ({ commit: { rows = [] } }: Committed): boolean =>
  rows.some(({ resource }) => resource.table === floatingIp.table || resource.table === floatingTarget.table);

const kinds: readonly Fact["kind"][] = [
  ...(["portHeld", "portLetGo", "applied", "pictureLost"] as const),
  ...(["guestStarted", "guestEnded", "guestHeld", "guestFree"] as const),
];
const isChange = (fact: Fact): fact is Change => kinds.includes(fact.kind);

/** After the others a host answers for less than before. */
const isMore = ({ kind }: Change): boolean =>
  kind === "portHeld" || kind === "applied" || kind === "guestStarted" || kind === "guestFree";

function take(host: Host, fact: Change): void {
  switch (fact.kind) {
    case "portHeld":
      host.held.set(fact.portId, fact.instanceId);
      return;
    case "portLetGo":
      host.held.delete(fact.portId);
      return;
    case "applied":
      host.networking = fact.networking;
      return;
    case "pictureLost":
      host.networking = undefined;
      return;
    case "guestStarted":
      if (fact.held !== true) host.acting.set(fact.pid, fact.instanceId);
      return;
    case "guestFree":
      host.acting.set(fact.pid, fact.instanceId);
      return;
    default:
      host.acting.delete(fact.pid);
  }
}

/** In the words of a sentence. */
interface Answer {
  readonly what: string;
  readonly by: string;
}

function twice(hosts: ReadonlyMap<string, Host>, ledAt: number): readonly string[] {
  const all = [...hosts].flatMap(([hostId, host]) => answersOf(hostId, host, ledAt));
  const double = [...Map.groupBy(all, ({ what }) => what)].filter(([, answers]) => answers.length > 1);
  return double.map(([what, answers]) => `${what} answers ${answers.map(({ by }) => by).join(" and ")}.`);
}

function answersOf(hostId: string, { networking, held, acting }: Host, ledAt: number): readonly Answer[] {
  const { version = 0, networks = [], routers = [] } = networking ?? {};
  const ports = networks.flatMap((network) => network.ports);
  const floating = version < ledAt ? [] : routers.flatMap((router) => router.floating);
  const guests = new Set(acting.values());
  return ports
    .filter(({ id, instanceId }) => held.get(id) === instanceId && guests.has(instanceId))
    .flatMap((port) => {
      const by = `on host ${hostId} as port ${port.id} of instance ${port.instanceId}`;
      const leading = floating.filter(({ portId }) => portId === port.id);
      return placesOf(port, leading).map((what) => ({ what, by }));
    });
}

type Port = HostNetworking["networks"][number]["ports"][number];
type Floating = RouterPicture["floating"][number];

/** All that only one host may answer for. */
const placesOf = ({ id, addresses }: Port, floating: readonly Floating[]): readonly string[] => [
  `The port ${id}`,
  ...addresses.map(({ subnetId, address }) => `The address ${address} of subnet ${subnetId}`),
  ...floating.map(({ id: of, address }) => `The floating address ${address} (${of})`),
];
