/**
 * Rules of security groups, made ready to be asked, and the question whether one of them allows a flow. Rules
 * only allow: what none of them names is dropped. Pure.
 */
import type { GroupPicture } from "../../../protocol/networking.ts";
import { type Carried, protocols } from "../frames/flow.ts";
import { AddressSet } from "./address-set.ts";

type RulePicture = GroupPicture["rules"][number];

interface Rule {
  readonly version: 4 | 6;
  readonly protocol: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Null: everybody. */
  readonly remote: AddressSet | null;
}

/** Of one port. */
export interface PortRules {
  readonly egress: readonly Rule[];
  readonly ingress: readonly Rule[];
}

interface Made {
  /** What of the groups it is made of. */
  readonly parts: readonly unknown[];
  readonly rules: PortRules;
}

const nobody: readonly string[] = [];

/**
 * Makes the rules of ports; what ports have in common is made once. It lives longer than a picture: frames
 * wait while one is made ready, and of most pictures all but one group is as before. What has not changed is
 * the same object as before.
 */
export class RuleBook {
  #groups: ReadonlyMap<string, GroupPicture> = new Map();
  readonly #members = new WeakMap<readonly string[], AddressSet>();
  #made = new Map<string, Made>();
  #before: ReadonlyMap<string, Made> = new Map();

  constructor(groups: readonly GroupPicture[] = []) {
    this.take(groups);
  }

  /** From now on these are all groups. */
  take(groups: readonly GroupPicture[]): void {
    const before = this.#groups;
    this.#groups = new Map(groups.map((group) => [group.id, asBefore(before.get(group.id), group)]));
    this.#before = this.#made;
    this.#made = new Map();
  }

  /** Of a port with these groups; one that the picture has not says nothing. */
  of(groupIds: readonly string[]): PortRules {
    const ids = [...new Set(groupIds)].sort();
    const key = ids.join();
    const made = this.#made.get(key) ?? this.#make(ids, this.#before.get(key));
    this.#made.set(key, made);
    return made.rules;
  }

  #make(ids: readonly string[], before: Made | undefined): Made {
    const groups = ids.flatMap((id) => this.#groups.get(id) ?? []);
    const parts = groups.flatMap(({ rules }) => [rules, ...rules.map((rule) => this.#remoteOf(rule))]);
    if (before !== undefined && areSame(before.parts, parts)) return before;
    const rules = groups.flatMap((group) => group.rules);
    const towards = (direction: RulePicture["direction"]) =>
      rules.filter((rule) => rule.direction === direction).map((rule) => this.#ruleOf(rule));
    return { parts, rules: { egress: towards("egress"), ingress: towards("ingress") } };
  }

  #ruleOf(rule: RulePicture): Rule {
    const { ipVersion, protocol, portMin, portMax, remoteCidr } = rule;
    const members = this.#remoteOf(rule);
    const remote = members === null ? cidrSet(remoteCidr) : this.#setOf(members);
    return { version: ipVersion, protocol, min: portMin, max: portMax, remote };
  }

  /** Null: the rule names no group. */
  #remoteOf({ remoteGroupId }: RulePicture): readonly string[] | null {
    return remoteGroupId === null ? null : (this.#groups.get(remoteGroupId)?.members ?? nobody);
  }

  #setOf(members: readonly string[]): AddressSet {
    const known = this.#members.get(members) ?? new AddressSet(members);
    this.#members.set(members, known);
    return known;
  }
}

/** The group, with the lists of the one before where they say the same. */
function asBefore(before: GroupPicture | undefined, group: GroupPicture): GroupPicture {
  if (before === undefined) return group;
  const { id, rules, members } = group;
  const hasSameRules = JSON.stringify(before.rules) === JSON.stringify(rules);
  return {
    id,
    rules: hasSameRules ? before.rules : rules,
    members: areSame(before.members, members) ? before.members : members,
  };
}

const areSame = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.length === others.length && some.every((one, at) => one === others[at]);

const cidrSet = (cidr: string | null): AddressSet | null => (cidr === null ? null : new AddressSet([cidr]));

/** `remote`: the address at the other end. */
export const allows = (rules: readonly Rule[], carried: Carried, remote: string): boolean =>
  rules.some((rule) => matches(rule, carried, remote));

function matches(rule: Rule, { flow, icmp }: Carried, remote: string): boolean {
  if (rule.version !== flow.version) return false;
  if (rule.protocol !== null && rule.protocol !== flow.protocol) return false;
  if (rule.remote !== null && !rule.remote.has(remote)) return false;
  const { min, max } = rule;
  if (min === null) return true;
  // Of ICMP the first is the type, and the last the code.
  if (icmp !== null) return icmp.type === min && (max === null || icmp.code === max);
  return hasPorts(flow.protocol) && flow.destinationPort >= min && flow.destinationPort <= (max ?? min);
}

const hasPorts = (protocol: number): boolean =>
  protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;
