/**
 * What the port of one end says of a packet: whether its guest knows a way to the other end's address, and
 * whether its groups let the packet pass. Pure.
 */
import { addressOf, cidrOf } from "../../../protocol/address.ts";
import type { PassageStep } from "../../../protocol/passage.ts";
import { protocolInWords } from "../../../protocol/security-group.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import { ruleInWords } from "../networking/rules.ts";
import type { End, Names, WayEnd } from "./facts.ts";
import { allowing, type FirstPacket, isIn, rulesTowards } from "./rules.ts";

/**
 * How the guest of an end finds the other end: without a router, by a route that its subnet tells, or by the
 * router of the way, which has the address `gate` there.
 */
export function routeStep(end: End, own: WayEnd, other: WayEnd, gate?: string): PassageStep | undefined {
  const subnet = end.rows?.subnets.find(({ id }) => id === own.address?.subnetId);
  const wanted = other.address?.address ?? "";
  const address = addressOf(wanted);
  if (subnet === undefined || address === undefined) return undefined;
  const said = (passes: boolean | null, message: string): PassageStep => ({ step: "route", passes, message });
  if (isIn(subnet.cidr, address))
    return said(true, `${end.name} reaches ${wanted} without a router: it is in its subnet ${subnet.cidr}.`);
  const [route] = subnet.hostRoutes
    .filter(({ destination }) => isIn(destination, address))
    .sort((one, two) => prefixOf(two.destination) - prefixOf(one.destination));
  const hop = route?.nextHop ?? subnet.gateway;
  if (gate !== undefined && hop === gate)
    return said(true, `${end.name} reaches ${wanted} by the router at ${gate}.`);
  if (route?.nextHop === wanted)
    return said(true, `${end.name} is told the route ${route.destination}, which leads to ${wanted} itself.`);
  if (route !== undefined)
    return said(
      null,
      `${end.name} is told the route ${route.destination} by ${route.nextHop}, whoever that is.`,
    );
  if (gate !== undefined)
    return said(
      false,
      `${end.name} is told ${subnet.gateway ?? "no router"} as its gateway, and not the router at ${gate}.`,
    );
  return said(
    false,
    `${end.name} is in the subnet ${subnet.cidr}, and no router leads from there to ${wanted}.`,
  );
}

const prefixOf = (cidr: string): number => cidrOf(cidr)?.prefix ?? 0;

/** What the filter at one end says. Undefined: the host is told nothing of the port. */
export function ruleStep(
  direction: "egress" | "ingress",
  end: End,
  { portId, packet, names }: { readonly portId: string; readonly packet: FirstPacket; readonly names: Names },
): PassageStep | undefined {
  const port = end.rows?.ports.find(({ id }) => id === portId);
  if (end.rows === null || port === undefined) return undefined;
  if (!port.portSecurity)
    return { step: direction, passes: true, message: `The port of ${end.name} filters nothing.` };
  const groupIds = groupsOf(end.rows, portId);
  if (groupIds.length === 0)
    return {
      ...{ step: direction, passes: false },
      message: `The port of ${end.name} has no security group, so nothing passes.`,
      next: `novact port set ${portId} --security-group default`,
    };
  const rules = rulesTowards(direction, groupIds, end.rows);
  const rule = allowing(rules, packet, end.rows);
  const called = groupIds.map((id) => names.groups.get(id) ?? id);
  if (rule === undefined) {
    const what = `No ${direction} rule of ${groupsInWords(called)} of ${end.name}`;
    return {
      ...{ step: direction, passes: false, message: `${what} allows ${packetInWords(direction, packet)}.` },
      next: ruleThatWould(direction, groupIds[0] ?? "", called[0] ?? "", packet),
    };
  }
  const group = names.groups.get(rule.groupId) ?? rule.groupId;
  const message = `The group ${group} of ${end.name} allows it: ${ruleSaid(rule, names)}.`;
  return { step: direction, passes: true, message, ruleId: rule.id };
}

const groupsOf = ({ memberships }: NetworkingRows, portId: string): readonly string[] =>
  memberships.filter((one) => one.portId === portId).map(({ groupId }) => groupId);

const groupsInWords = (names: readonly string[]): string =>
  `the ${names.length === 1 ? "group" : "groups"} ${names.join(", ")}`;

function packetInWords(direction: "egress" | "ingress", packet: FirstPacket): string {
  const { protocol, port, source, destination, icmp } = packet;
  const what = icmp === null ? `${protocolInWords(protocol)} ${port}` : "a ping";
  return direction === "egress" ? `${what} to ${destination}` : `${what} from ${source}`;
}

/** With the name of the group at the other end. */
function ruleSaid(rule: NetworkingRows["rules"][number], { groups }: Names): string {
  const words = ruleInWords(rule);
  const name = groups.get(rule.remoteGroupId ?? "");
  return name === undefined ? words : words.replace(`group ${rule.remoteGroupId}`, `group ${name}`);
}

function ruleThatWould(
  direction: "egress" | "ingress",
  id: string,
  name: string,
  { protocol, port, source, destination, version }: FirstPacket,
): string {
  const group = /^[A-Za-z0-9_-]+$/.test(name) ? name : id;
  const other = `${direction === "egress" ? destination : source}/${version === 4 ? 32 : 128}`;
  const what = `${protocolInWords(protocol)}${port === null ? "" : ` --port ${port}`}`;
  return `novact security-group-rule create ${group} ${direction} --protocol ${what} --from ${other}`;
}
