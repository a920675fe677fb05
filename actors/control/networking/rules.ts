/** What a rule of a security group may say, in the one form in which it is kept and named. Pure. */
import { cidrOf, cidrText } from "../../../protocol/address.ts";
import {
  protocolInWords,
  protocolNumberOf,
  type SecurityGroupRule,
  type securityGroupRuleService,
} from "../../../protocol/security-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RequestOf } from "../../../protocol/wire/service.ts";

type Asked = RequestOf<(typeof securityGroupRuleService)["methods"]["create"]>;
export type RuleMatch = Pick<
  SecurityGroupRule,
  "direction" | "ipVersion" | "protocol" | "portMin" | "portMax" | "remoteCidr" | "remoteGroupId"
>;

const [icmp, icmpv6] = [protocolNumberOf("icmp"), protocolNumberOf("icmpv6")];
const withPorts: ReadonlySet<number> = new Set(
  ["tcp", "udp", "sctp"].map((one) => protocolNumberOf(one as "tcp")),
);

/** @param remoteGroupId the id of the group that the request names @throws schemaMismatch */
export function matchOf(asked: Asked, remoteGroupId: string | null): RuleMatch {
  const { direction, remoteCidr } = asked;
  if (remoteCidr !== undefined && remoteGroupId !== null)
    throw faulty("remoteCidr", "does not go with remoteGroup: name one of them");
  const remote = remoteCidr === undefined ? undefined : cidrOf(remoteCidr);
  if (remoteCidr !== undefined && remote === undefined)
    throw faulty("remoteCidr", `must be a range without bits behind its prefix, not ${remoteCidr}`);
  const { ipVersion = remote?.version ?? 4 } = asked;
  if (remote !== undefined && remote.version !== ipVersion)
    throw faulty("remoteCidr", `is of IPv${remote.version}, the rule of IPv${ipVersion}`);
  const protocol = protocolOf(asked, ipVersion);
  return {
    ...{ direction, ipVersion, protocol, ...portsOf(asked, protocol) },
    remoteCidr: remote === undefined ? null : cidrText(remote),
    remoteGroupId,
  };
}

function protocolOf({ protocol }: Asked, ipVersion: 4 | 6): number | null {
  if (protocol === undefined) return null;
  const number = protocolNumberOf(protocol);
  // Whoever says icmp of a rule of IPv6 means its ICMP, as Neutron takes it.
  if (number === icmp && ipVersion === 6) return icmpv6;
  if (number === icmpv6 && ipVersion === 4) throw faulty("protocol", "icmpv6 goes with IPv6 only");
  return number;
}

function portsOf(
  { portMin, portMax }: Asked,
  protocol: number | null,
): Pick<RuleMatch, "portMin" | "portMax"> {
  if (portMin === undefined && portMax === undefined) return { portMin: null, portMax: null };
  if (protocol === icmp || protocol === icmpv6) return typeAndCode(portMin, portMax);
  if (protocol === null || !withPorts.has(protocol))
    throw faulty("portMin", "goes with tcp, udp, sctp and icmp only");
  if (portMin === undefined) throw faulty("portMin", "is missing: portMax alone says no range");
  const last = portMax ?? portMin;
  if (last < portMin) throw faulty("portMax", `is ${last}, below portMin`);
  return { portMin, portMax: last };
}

function typeAndCode(
  type: number | undefined,
  code: number | undefined,
): Pick<RuleMatch, "portMin" | "portMax"> {
  if (type === undefined) throw faulty("portMin", "is missing: it is the type of ICMP, portMax the code");
  if (type > 255) throw faulty("portMin", "is a type of ICMP, at most 255");
  if (code !== undefined && code > 255) throw faulty("portMax", "is a code of ICMP, at most 255");
  return { portMin: type, portMax: code ?? null };
}

/** `ingress tcp 22 from 192.0.2.0/24, IPv4`: the same for the same rule, and for no other of its group. */
export function ruleInWords(rule: RuleMatch): string {
  const { direction, ipVersion, protocol, remoteCidr, remoteGroupId } = rule;
  const what = protocol === null ? "everything" : `${protocolInWords(protocol)}${portsInWords(rule)}`;
  const remote = remoteGroupId === null ? (remoteCidr ?? "everywhere") : `group ${remoteGroupId}`;
  return `${direction} ${what} ${direction === "ingress" ? "from" : "to"} ${remote}, IPv${ipVersion}`;
}

function portsInWords({ protocol, portMin, portMax }: RuleMatch): string {
  if (portMin === null) return "";
  if (protocol === icmp || protocol === icmpv6)
    return ` type ${portMin}${portMax === null ? "" : ` code ${portMax}`}`;
  return portMax === portMin ? ` ${portMin}` : ` ${portMin}-${portMax}`;
}

/** Rules of a new group: its ports may send everything. */
export const usualRules: readonly RuleMatch[] = ([4, 6] as const).map((ipVersion) => ({
  ...{ direction: "egress", ipVersion, protocol: null, portMin: null, portMax: null },
  ...{ remoteCidr: null, remoteGroupId: null },
}));

/** What a project's default group allows besides: everything from its own ports. */
export const defaultRules = (groupId: string): readonly RuleMatch[] =>
  usualRules.map((rule) => ({ ...rule, direction: "ingress", remoteGroupId: groupId }));
