/**
 * Security groups as chains: one of each group's rules in each direction, and one of each combination of
 * groups that ports have. Ports share them, so that the ruleset does not grow by rules times ports. What no
 * rule allows is dropped at the end of the combination's chain. Pure.
 */
import { createHash } from "node:crypto";
import { cidrOf } from "../../../../protocol/address.ts";
import type { GroupPicture, RulePicture } from "../../../../protocol/networking.ts";
import { protocols } from "../../../switch/frames/flow.ts";
import { kept } from "./kept.ts";
import type { Chain, NftSet } from "./model.ts";
import { addressesOf } from "./ranges.ts";

type Direction = RulePicture["direction"];

const passOn: Record<Direction, string> = { egress: "goto receiver", ingress: "accept" };
const letter: Record<Direction, string> = { egress: "out", ingress: "in" };
const directions = ["egress", "ingress"] as const;

const groupChain = (direction: Direction, groupId: string): string => `${letter[direction]}_group_${groupId}`;

/** Names the chain of a port with these groups; those that the picture has not say nothing. */
export function combinationOf(direction: Direction, groupIds: readonly string[]): string {
  return `${letter[direction]}_${digitsOf(groupIds)}`;
}

const digitsOf = kept((groupIds: readonly string[]) => {
  const ids = [...new Set(groupIds)].sort().join();
  return createHash("sha256").update(ids).digest("hex").slice(0, 24);
});

export function groupChains(
  groups: readonly GroupPicture[],
  combinations: readonly (readonly string[])[],
): ReadonlyMap<string, Chain> {
  const known = new Set(groups.map(({ id }) => id));
  const used = new Set(combinations.flat());
  // Many ports have the same groups.
  const byName = new Map(combinations.map((ids) => [combinationOf("egress", ids), ids]));
  const different = [...byName.values()];
  const own = groups.filter(({ id }) => used.has(id));
  return new Map(
    directions.flatMap((direction) => [
      ...own.map(({ id, rules }): [string, Chain] => [
        groupChain(direction, id),
        { hook: null, rules: linesOf(rules, direction) },
      ]),
      ...different.map((ids): [string, Chain] => {
        const jumps = [...new Set(ids)].sort().filter((id) => known.has(id));
        const rules = [...jumps.map((id) => `jump ${groupChain(direction, id)}`), "drop"];
        return [combinationOf(direction, ids), { hook: null, rules }];
      }),
    ]),
  );
}

const linesOf = (rules: GroupPicture["rules"], direction: Direction): readonly string[] =>
  rules.filter((rule) => rule.direction === direction).flatMap(ruleLines);

const memberSet = (kind: "members" | "ranges", version: number, groupId: string): string =>
  `${kind}${version}_${groupId}`;

/** The members of each group that a rule of a used group names. */
export function memberSets(
  groups: readonly GroupPicture[],
  combinations: readonly (readonly string[])[],
): ReadonlyMap<string, NftSet> {
  const [used, byId] = [new Set(combinations.flat()), new Map(groups.map((group) => [group.id, group]))];
  const rules = groups.filter(({ id }) => used.has(id)).flatMap((group) => group.rules);
  const named = [...new Set(rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []))].sort();
  return new Map(named.flatMap((id) => setsOf(id, byId.get(id)?.members ?? [])));
}

const setsOf = (groupId: string, members: readonly string[]): [string, NftSet][] =>
  ([4, 6] as const).flatMap((version) => {
    const { single, ranges } = addressesOf(version, members);
    const set = (isInterval: boolean, some: readonly string[]): NftSet => ({
      ...{ kind: "set", of: `${version === 4 ? "ip" : "ip6"} saddr`, isInterval, living: null },
      elements: new Map(some.map((address) => [address, ""])),
    });
    return [
      [memberSet("members", version, groupId), set(false, single)],
      [memberSet("ranges", version, groupId), set(true, ranges)],
    ];
  });

/** The rule in nft's words; no line: no packet is like this. */
function ruleLines(rule: RulePicture): readonly string[] {
  return remotesOf(rule).flatMap((remote) =>
    carriedOf(rule).map((carried) => [remote, carried, passOn[rule.direction]].filter(Boolean).join(" ")),
  );
}

function remotesOf({ direction, ipVersion, remoteCidr, remoteGroupId }: RulePicture): readonly string[] {
  const ip = ipVersion === 4 ? "ip" : "ip6";
  const end = `${ip} ${direction === "egress" ? "daddr" : "saddr"}`;
  if (remoteGroupId !== null)
    return (["members", "ranges"] as const).map(
      (kind) => `${end} @${memberSet(kind, ipVersion, remoteGroupId)}`,
    );
  if (remoteCidr === null) return [`ether type ${ip}`];
  const range = cidrOf(remoteCidr);
  if (range?.version !== ipVersion) return [];
  return range.prefix === 0 ? [`ether type ${ip}`] : [`${end} ${remoteCidr}`];
}

const withPorts: readonly number[] = [protocols.tcp, protocols.udp, protocols.sctp];

function carriedOf({ ipVersion, protocol, portMin: min, portMax: max }: RulePicture): readonly string[] {
  const icmp = ipVersion === 4 ? protocols.icmp : protocols.icmpv6;
  if (min === null) return [protocol === null ? "" : `meta l4proto ${protocol}`];
  const ports = portLines(
    protocol === null ? withPorts : withPorts.filter((one) => one === protocol),
    min,
    max,
  );
  return protocol === null || protocol === icmp ? [...ports, ...icmpLines(ipVersion, min, max)] : ports;
}

function portLines(ofProtocols: readonly number[], min: number, max: number | null): readonly string[] {
  const last = max ?? min;
  if (last < min) return [];
  const range = last === min ? `${min}` : `${min}-${last}`;
  return ofProtocols.map((protocol) => `meta l4proto ${protocol} th dport ${range}`);
}

/** Of ICMP the first is the type, and the last the code. */
function icmpLines(version: number, type: number, code: number | null): readonly string[] {
  if (type > 255 || (code ?? 0) > 255) return [];
  const name = version === 4 ? "icmp" : "icmpv6";
  return [`${name} type ${type}${code === null ? "" : ` ${name} code ${code}`}`];
}
