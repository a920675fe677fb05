/** What is asked of networks in a plan: the method, whom it is about, and the request. Pure. */
import type { CommandKind } from "./plan.ts";
import { type NetworkCommand, networkCommands } from "./plan-networks.ts";

/** As client-surroundings.ts has it. */
interface Call {
  readonly method: string;
  readonly id: string | undefined;
  readonly request: Readonly<Record<string, unknown>>;
}

export const isOfNetworks = (command: CommandKind): command is NetworkCommand =>
  networkCommands.some((one) => one === command);

/** Few networks and groups, so that names collide. */
const network = (target: number): string => `net-${target % 8 === 7 ? 1 : 0}`;
const group = (target: number): string => `group-${target % 3}`;
/** Of a /29 five ports get an address; the second one overlaps with the first. */
const ranges = ["10.0.0.0/29", "10.0.0.4/30", "10.0.1.0/29", "fd00::/126"] as const;
/** The second network begins with the same range as the first. */
const range = (target: number): string =>
  ranges[(target % 8 === 7 ? target >> 3 : target) % ranges.length] ?? ranges[0];
/** Of those of IPv6 one has DHCP. */
const isToldSix = (target: number): boolean => range(target).includes(":") && target % 8 === 3;
const port = (target: number): string => `port-${target % 12}`;
const address = (target: number): string => `10.0.0.${2 + (target % 5)}`;
const hostPort = (target: number): number => 8_000 + (target % 3);

/** `own`: an instance of the client, or a rule of its own to be removed; undefined: there is none. */
export function networkCall(command: NetworkCommand, target: number, own: string | undefined): Call {
  switch (command) {
    case "interfaceAttach":
      return { method: "instance.interfaceAttach", id: own, request: attached(target) };
    case "interfaceDetach":
      return { method: "instance.interfaceDetach", id: own, request: { port: address(target) } };
    case "networkCreate":
      return { method: "network.create", id: "", request: { name: network(target) } };
    case "networkDelete":
      return { method: "network.delete", id: network(target), request: {} };
    case "subnetCreate": {
      const dhcp = isToldSix(target) ? { dhcp: true } : {};
      const own = { network: network(target), cidr: range(target), ...dhcp };
      return { method: "subnet.create", id: "", request: { name: `of-${target % ranges.length}`, ...own } };
    }
    case "subnetDelete":
      return { method: "subnet.delete", id: `of-${target % ranges.length}`, request: {} };
    case "portCreate":
      return { method: "port.create", id: "", request: { name: port(target), ...placeOf(target) } };
    case "portDelete":
      return { method: "port.delete", id: port(target), request: {} };
    case "portGroups":
      return { method: "port.set", id: port(target), request: { securityGroups: [group(target)] } };
    case "portLimits":
      return { method: "port.set", id: port(target), request: { bandwidth: bandwidth(target) } };
    case "pluggedCreate":
      return { method: "instance.create", id: "", request: pluggedInstance(target) };
    case "publishedCreate": {
      const request = { networkPort: port(target), hostPort: hostPort(target), port: 80 + (target % 2) };
      return { method: "published-port.create", id: "", request };
    }
    case "publishedDelete":
      return { method: "published-port.delete", id: String(hostPort(target)), request: {} };
    case "securityGroupCreate":
      return { method: "security-group.create", id: "", request: { name: group(target) } };
    case "securityGroupDelete":
      return { method: "security-group.delete", id: group(target), request: {} };
    case "securityRuleDelete":
      return { method: "security-group-rule.delete", id: own, request: {} };
    case "securityRuleCreate": {
      const remote = target % 2 === 0 ? { remoteGroup: group(target + 1) } : {};
      const protocol = target % 4 === 0 ? "tcp" : "udp";
      const rule = { direction: "ingress", protocol, portMin: target % 5, ...remote };
      return { method: "security-group-rule.create", id: "", request: { group: group(target), ...rule } };
    }
  }
}

/** Mostly any address; now and then one that several want. */
function placeOf(target: number): Readonly<Record<string, unknown>> {
  const on = { network: network(target) };
  if (target % 6 === 0) return { ...on, addresses: [{ address: address(target) }] };
  return target % 6 === 1 ? { ...on, mac: "52:54:00:00:00:01" } : on;
}

/** A limit of what is sent, another one, one of both ways, or none. */
function bandwidth(target: number): Readonly<Record<string, unknown>> {
  const limit = { kilobitsPerSecond: 1_000 * (1 + (target % 3)) };
  const round = Math.floor(target / 60) % 4;
  if (round === 3) return { ingress: null, egress: null };
  return round === 2
    ? { ingress: limit, egress: limit }
    : { egress: { ...limit, burstKilobits: 2_000 + round } };
}

/** On any address, on one that several want, or in a port of the client's own. */
function attached(target: number): Readonly<Record<string, unknown>> {
  const on = { network: network(target) };
  if (target % 4 === 0) return { port: port(target) };
  return target % 4 === 1 ? { ...on, address: address(target) } : on;
}

/** On one network or two, with a port of its own now and then; some are more than there are addresses. */
function pluggedInstance(target: number): Readonly<Record<string, unknown>> {
  const of = { name: `plugged-${target}`, flavor: "tiny", image: "tiny" };
  const on = { network: network(target) };
  switch (target % 5) {
    case 0:
      return { ...of, count: 2 + (target % 3), atLeast: 1, networks: [on] };
    case 1:
      return { ...of, networks: [on, { network: network(target + 1) }] };
    case 2:
      return { ...of, networks: [{ port: port(target) }] };
    case 3:
      return { ...of, networks: [{ ...on, address: address(target) }] };
    default: {
      const publish = target % 10 === 9 ? { publish: [{ hostPort: hostPort(target), port: 22 }] } : {};
      return { ...of, networks: [on], ...publish };
    }
  }
}
