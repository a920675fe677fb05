/**
 * Which rule of a port's groups lets the first packet of a conversation pass. It must agree with the filters
 * of hosts (a spec compares it with nodes/switch/filter), and is asked by people only, so it says why. Pure.
 */
import { type Address, addressOf, cidrOf, contains, type IpVersion } from "../../../protocol/address.ts";
import { protocolNumberOf } from "../../../protocol/security-group.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";

export interface FirstPacket {
  readonly version: IpVersion;
  /** IANA's number. */
  readonly protocol: number;
  /** Null: the protocol has none. */
  readonly port: number | null;
  /** Null: it is no ICMP. */
  readonly icmp: { readonly type: number; readonly code: number } | null;
  readonly source: string;
  readonly destination: string;
}

export type RuleRow = NetworkingRows["rules"][number];
type Rows = Pick<NetworkingRows, "rules" | "members">;

/** The rules of these groups in one direction. */
export const rulesTowards = (
  direction: RuleRow["direction"],
  groupIds: readonly string[],
  { rules }: Pick<Rows, "rules">,
): readonly RuleRow[] =>
  rules.filter((rule) => rule.direction === direction && groupIds.includes(rule.groupId));

/** Undefined: none of the rules lets it pass. */
export function allowing(
  rules: readonly RuleRow[],
  packet: FirstPacket,
  rows: Pick<Rows, "members">,
): RuleRow | undefined {
  return rules.find((rule) => isAbout(rule, packet) && isOtherEnd(rule, packet, rows));
}

const portProtocols: ReadonlySet<number> = new Set(
  (["tcp", "udp", "sctp"] as const).map((name) => protocolNumberOf(name)),
);

function isAbout(
  { ipVersion, protocol, portMin, portMax }: RuleRow,
  { version, protocol: its, port, icmp }: FirstPacket,
): boolean {
  if (ipVersion !== version || (protocol !== null && protocol !== its)) return false;
  if (portMin === null) return true;
  // Of ICMP the first is the type, and the last the code.
  if (icmp !== null) return icmp.type === portMin && (portMax === null || icmp.code === portMax);
  return portProtocols.has(its) && port !== null && port >= portMin && port <= (portMax ?? portMin);
}

function isOtherEnd(
  { direction, remoteCidr, remoteGroupId }: RuleRow,
  { source, destination }: FirstPacket,
  { members }: Pick<Rows, "members">,
): boolean {
  const remote = addressOf(direction === "egress" ? destination : source);
  if (remote === undefined) return false;
  if (remoteGroupId === null) return remoteCidr === null || isIn(remoteCidr, remote);
  return members.some(
    ({ groupId, addresses, pairs }) =>
      groupId === remoteGroupId &&
      (addresses.some((one) => isSame(one, remote)) || pairs.some(({ cidr }) => isIn(cidr, remote))),
  );
}

const isSame = (text: string, { version, value }: Address): boolean => {
  const address = addressOf(text);
  return address?.version === version && address.value === value;
};

export function isIn(cidr: string, address: Address): boolean {
  const range = cidrOf(cidr);
  return range !== undefined && contains(range, address);
}
