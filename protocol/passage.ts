/**
 * Whether the first packet of a conversation gets from one guest to another, step by step: what lets it pass
 * and what stops it. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress } from "./ip.ts";
import { answer, Count, Id, Label, literals, nullable, request } from "./wire/schema.ts";

/** In the order in which they are told. */
const passageSteps = [
  "guest",
  "network",
  "address",
  "route",
  "egress",
  "ingress",
  "host",
  "between",
] as const;

export const passageProtocols = ["tcp", "udp", "sctp", "icmp"] as const;
export type PassageProtocol = (typeof passageProtocols)[number];

export const PassageStep = answer({
  step: literals(passageSteps),
  /** Whether it lets the packet pass; null: this cannot be known now. */
  passes: nullable(Type.Boolean()),
  /** A sentence. */
  message: Type.String(),
  /** A command or an advice that would help. Absent: no help is needed or known. */
  next: Type.Optional(Type.String()),
  /** Rule of a security group that lets the packet pass. */
  ruleId: Type.Optional(Id),
});
export type PassageStep = Static<typeof PassageStep>;

export const PassageEnd = answer({
  instanceId: Id,
  name: Type.String(),
  hostName: nullable(Type.String()),
  /** Null: there is no port of a network that both are on. */
  portId: nullable(Id),
  address: nullable(IpAddress),
});
export type PassageEnd = Static<typeof PassageEnd>;

export const PassageRequest = request({
  /** Instances, by id or by a name that only one has. */
  from: Label,
  to: Label,
  /** Absent: `tcp` with a port, `icmp` (a ping) without. */
  protocol: Type.Optional(literals(passageProtocols)),
  /** The port that is called; not of `icmp`. */
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
});
export type PassageRequest = Static<typeof PassageRequest>;

export const PassageAnswer = answer({
  /** True: every step lets it pass. Null: none stops it, and of one it cannot be known now. */
  passes: nullable(Type.Boolean()),
  /** A sentence. */
  message: Type.String(),
  from: PassageEnd,
  to: PassageEnd,
  steps: Type.Array(PassageStep),
  /** Pairs of addresses between both. The steps are those of one that passes, or the nearest to it. */
  ways: Count,
});
export type PassageAnswer = Static<typeof PassageAnswer>;
