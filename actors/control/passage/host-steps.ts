/**
 * What hosts do with a packet: whether each has applied a picture that knows the port and its rules as they
 * are now, and whether their networks reach each other. Pure.
 */
import { canPlug } from "../../../protocol/host-drivers.ts";
import type { PassageStep } from "../../../protocol/passage.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import { partsFor, pictureOf } from "../networking/picture.ts";
import type { End, EndHost, Via, WayEnd } from "./facts.ts";

type Told = Pick<PassageStep, "passes" | "message" | "next">;

const unknown = (message: string): Told => ({ passes: null, message });
const stops = (message: string, next?: string): Told => ({
  ...{ passes: false, message },
  ...(next === undefined ? {} : { next }),
});

/** `operator`: the caller may know why a host fails. */
interface Ends {
  readonly own: WayEnd;
  readonly other: WayEnd;
  readonly via: Via | undefined;
}

export function hostStep(end: End, { own, other, via }: Ends, operator: boolean): PassageStep {
  const ports = { own: own.portId, other: other.portId, routerId: via?.routerId };
  return { step: "host", ...(end.host === null ? nowhere(end) : onHost(end, end.host, ports, operator)) };
}

interface Ports {
  readonly own: string;
  readonly other: string;
  readonly routerId: string | undefined;
}

const nowhere = ({ name }: End): Told => stops(`${name} is on no host.`, `novact instance explain ${name}`);

function onHost({ rows, name: who }: End, host: EndHost, ports: Ports, operator: boolean): Told {
  const { name, drivers, word } = host;
  if (!canPlug(drivers)) return stops(`The host ${name} has no network to plug guests into.`);
  if (word.kind === "unheard" && word.why === "silent")
    return unknown(`The host ${name} is silent: nobody knows what passes there.`);
  if (word.kind === "unheard") return unknown(`The host ${name} does not say what it lets pass.`);
  const own = rows?.ports.find(({ id }) => id === ports.own);
  if (rows === null || own === undefined)
    return stops(`The host ${name} is told nothing of the port of ${who}.`);
  if (word.networking === null) return unknown(`The host ${name} says nothing of its network.`);
  const { version, parts, failure } = word.networking;
  if (version === null)
    return stops(`The host ${name} has applied no picture of networks yet, so nothing passes there.`, soon);
  const lacks = neededParts(rows, own, ports).filter((hash) => !parts.includes(hash));
  if (lacks.length === 0)
    return { passes: true, message: `The host ${name} has applied the port and its rules.` };
  const why = failure === null ? "" : operator ? `: ${failure}` : ", and says that it cannot";
  const behind = `The host ${name} has not applied yet what is so now${why}; until then it is there as before.`;
  return { ...unknown(behind), next: failure === null ? soon : "Operators are told more by novact doctor." };
}

const soon = "It asks by itself, every 15 s at least: look again.";

type PortRow = NetworkingRows["ports"][number];

/**
 * Hashes of the picture's parts that decide about a port: its network, its groups, groups that these name,
 * where the other port is, and the router between.
 */
function neededParts(
  rows: NetworkingRows,
  { id, networkId }: PortRow,
  { other, routerId }: Ports,
): readonly string[] {
  const own = new Set(rows.memberships.filter(({ portId }) => portId === id).map(({ groupId }) => groupId));
  const named = rows.rules
    .filter(({ groupId }) => own.has(groupId))
    .map(({ remoteGroupId }) => remoteGroupId);
  const groupIds = new Set([...own, ...named]);
  const { version, networks, groups, far = [], routers = [] } = pictureOf(rows);
  const needed = {
    version,
    networks: networks.filter((one) => one.id === networkId),
    groups: groups.filter((one) => groupIds.has(one.id)),
    far: far.filter((one) => one.ports.some((port) => port.id === other)),
    routers: routers.filter((one) => one.id === routerId),
  };
  const parts = partsFor(needed, new Set());
  const { far: away = [], routers: led = [] } = parts;
  return [...parts.networks, ...parts.groups, ...away, ...led].map(({ hash }) => hash);
}

/** Whether what leaves one host comes to the other. */
export function betweenStep(from: EndHost, to: EndHost): PassageStep {
  return { step: "between", ...between(from, to) };
}

function between(from: EndHost, to: EndHost): Told {
  if (from.id === to.id) return { passes: true, message: `Both are on the host ${from.name}.` };
  const both = `the hosts ${from.name} and ${to.name}`;
  const [one, other] = [from.drivers, to.drivers];
  if (one === null || other === null) return unknown(`Nothing is known of the networks of ${both}.`);
  if (one.network !== other.network)
    return stops(
      `The network drivers of ${both} differ (${one.network ?? "none"}, ${other.network ?? "none"}) and do not reach each other.`,
    );
  if (from.bootId === to.bootId) return { passes: true, message: `Both are on one computer, on ${both}.` };
  const [here, there] = [one.networking?.spansHosts, other.networking?.spansHosts];
  if (here === true && there === true)
    return { passes: true, message: `The network driver ${one.network} carries packets between ${both}.` };
  if (here === false || there === false)
    return stops(
      `The network driver ${one.network} reaches no other computer, and ${both} are on two.`,
      "Have both instances on one computer, or give the networks of both nodes an underlay in cluster.yaml.",
    );
  return unknown(
    `Nobody knows whether the networks of ${both} reach each other: an agent is of an older version.`,
  );
}
