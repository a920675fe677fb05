/**
 * Security groups: which packets may pass between a port and everybody else. What no rule of a port's groups
 * allows is dropped; answers to what was allowed pass as long as the rule is there.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Cidr } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { changed, kept, made, resource } from "./wire/resource.ts";
import { Description, given, Id, Label, literals, Name, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const securityGroup = resource({
  noun: "security-group",
  one: "securityGroup",
  many: "securityGroups",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: { description: nullable(Description) },
  limit: { most: networkLimits.securityGroupsPerProjectMax, of: "project" },
});

export const SecurityGroup = securityGroup.shape;
export type SecurityGroup = Static<typeof SecurityGroup>;

/** The group that a project's ports get when they name none; it cannot be removed. */
export const defaultGroupName = "default";

export const directions = ["ingress", "egress"] as const;

const IpVersion = Type.Unsafe<4 | 6>(
  Type.Integer({ minimum: 4, maximum: 6, multipleOf: 2, description: "4 or 6" }),
);
/** As IANA lists protocol numbers. */
const protocolNumbers = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
export type NamedProtocol = keyof typeof protocolNumbers;

/** Of TCP, UDP and SCTP; of ICMP the first is the type, and the last the code. */
const PortNumber = Type.Integer({ minimum: 0, maximum: 65_535 });
const Protocol = Type.Integer({ minimum: 0, maximum: 255 });

/** What a rule says. */
export const ruleFields = {
  direction: literals(directions),
  ipVersion: IpVersion,
  /** IANA's number; null: every protocol. */
  protocol: nullable(Protocol),
  /** Null: every port. */
  portMin: nullable(PortNumber),
  portMax: nullable(PortNumber),
  /** The other end: its addresses, or the addresses of a group's ports. Both null: everybody. */
  remoteCidr: nullable(Cidr),
  remoteGroupId: nullable(Id),
};

export const securityGroupRule = resource({
  noun: "security-group-rule",
  one: "securityGroupRule",
  many: "securityGroupRules",
  owner: "project",
  makes: "project",
  sees: "project",
  /** What it allows, in words; the same rule is not twice in a group. */
  name: Name,
  nameUnique: false,
  fields: { groupId: Id, ...ruleFields, description: nullable(Description) },
  uses: { groupId: "security-group", remoteGroupId: "security-group" },
  unique: [["groupId", "name"]],
  limit: { most: networkLimits.securityGroupRulesPerProjectMax, of: "project" },
});

export const SecurityGroupRule = securityGroupRule.shape;
export type SecurityGroupRule = Static<typeof SecurityGroupRule>;

export const securityGroupService = service({
  noun: "security-group",
  version: "1.0.0",
  summary: "Which packets may pass.",
  methods: {
    create: made(
      securityGroup,
      { description: Type.Optional(nullable(Description)) },
      "Makes a group whose ports may send everything, and receive what answers it.",
    ),
    ...kept(securityGroup, {
      delete: "Removes a group with its rules; no port may have it, and no rule of another group name it.",
    }),
    set: changed(
      securityGroup,
      { name: Type.Optional(given(Name)), description: Type.Optional(nullable(Description)) },
      "Renames a group or describes it.",
    ),
  },
});

export const securityGroupRuleService = service({
  noun: "security-group-rule",
  version: "1.0.0",
  summary: "What the ports of a group may send and receive.",
  methods: {
    create: method({
      request: request({
        /** Id, or a name that only one has. */
        group: Label,
        direction: literals(directions),
        /** Absent: that of `remoteCidr`, or 4. */
        ipVersion: Type.Optional(IpVersion),
        /** A name, or IANA's number. Absent: every protocol. */
        protocol: Type.Optional(
          Type.Union([literals(Object.keys(protocolNumbers) as NamedProtocol[]), Protocol]),
        ),
        portMin: Type.Optional(PortNumber),
        /** Absent: as `portMin`. */
        portMax: Type.Optional(PortNumber),
        remoteCidr: Type.Optional(Cidr),
        /** Id, or a name that only one has. */
        remoteGroup: Type.Optional(Label),
        description: Type.Optional(nullable(Description)),
      }),
      answer: kept(securityGroupRule).get.answer,
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Allows more; a rule that is there already is refused.",
    }),
    ...kept(securityGroupRule, { delete: "Takes back what the rule allowed, also from open connections." }),
  },
});

export const protocolNumberOf = (protocol: NamedProtocol | number): number =>
  typeof protocol === "number" ? protocol : protocolNumbers[protocol];

/** `tcp`, or the number of a protocol that has no name here. */
export const protocolInWords = (number: number): string =>
  Object.entries(protocolNumbers).find(([, one]) => one === number)?.[0] ?? `protocol ${number}`;
