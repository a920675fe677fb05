/**
 * Which packets were intended to pass, by the rows of the moments in question. It is written apart from the
 * filter that it judges: rules are read here as a person reads them.
 */
import { addressOf, cidrOf, contains } from "../../protocol/address.ts";
import type { Port } from "../../protocol/port.ts";
import type { PacketFact } from "./network-facts.ts";
import type { RoutingRows } from "./routing.ts";

/** In a packet, in the place of a port: somebody beyond all routers. */
export const outside = "outside";

type PortRow = Pick<Port, "id" | "networkId" | "mac" | "portSecurity" | "addressPairs">;

interface Rule {
  readonly groupId: string;
  readonly direction: string;
  readonly ipVersion: number;
  readonly protocol: number | null;
  readonly portMin: number | null;
  readonly portMax: number | null;
  readonly remoteCidr: string | null;
  readonly remoteGroupId: string | null;
}

/** The rows of one moment. */
export interface CellNetworks {
  readonly ports: ReadonlyMap<string, PortRow>;
  readonly rules: readonly Rule[];
  groupsOf(portId: string): readonly string[];
  addressesOf(portId: string): readonly string[];
  readonly routing: RoutingRows;
}

const udp = 17;

/** Whether both ends are on one network. */
export function onOneNetwork({ ports }: Pick<CellNetworks, "ports">, { from, to }: Ends): boolean {
  const [one, other] = [ports.get(from), ports.get(to)];
  return one !== undefined && other !== undefined && one.networkId === other.networkId;
}

type Ends = Pick<PacketFact, "from" | "to">;
type Judged = Ends & Pick<PacketFact, "flow">;

/** Whether the sender's own rules let it go. */
export const maySend = (rows: CellNetworks, { from, flow }: Judged): boolean =>
  may(rows, from, { direction: "egress", remote: flow.destination, port: flow.destinationPort });

/** Whether the receiver's rules let it in. */
export const mayReceive = (rows: CellNetworks, { to, flow }: Judged): boolean =>
  may(rows, to, { direction: "ingress", remote: flow.source, port: flow.destinationPort });

interface Way {
  readonly direction: string;
  /** The address at the other end. */
  readonly remote: string;
  /** The destination port of UDP. */
  readonly port: number;
}

function may(rows: CellNetworks, portId: string, way: Way): boolean {
  if (portId === outside) return true;
  const port = rows.ports.get(portId);
  if (port === undefined) return false;
  if (!port.portSecurity) return true;
  const groups = rows.groupsOf(portId);
  return rows.rules.some((rule) => groups.includes(rule.groupId) && isAbout(rule, way, rows));
}

function isAbout(rule: Rule, { direction, remote, port }: Way, rows: CellNetworks): boolean {
  const { protocol, portMin, portMax, remoteCidr, remoteGroupId } = rule;
  if (rule.direction !== direction || rule.ipVersion !== addressOf(remote)?.version) return false;
  if (protocol !== null && protocol !== udp) return false;
  if (portMin !== null && (port < portMin || port > (portMax ?? portMin))) return false;
  if (remoteCidr !== null) return isIn(remoteCidr, remote);
  return remoteGroupId === null || isMember(remoteGroupId, remote, rows);
}

const isMember = (groupId: string, address: string, { ports, ...rows }: CellNetworks): boolean =>
  [...ports.values()].some(
    ({ id, addressPairs }) =>
      rows.groupsOf(id).includes(groupId) &&
      (rows.addressesOf(id).includes(address) || addressPairs.some(({ cidr }) => isIn(cidr, address))),
  );

export function isIn(cidr: string, text: string): boolean {
  const [range, address] = [cidrOf(cidr), addressOf(text)];
  return range !== undefined && address !== undefined && contains(range, address);
}
