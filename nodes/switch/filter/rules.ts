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

/** Makes the rules of ports; what ports have in common is made once. */
export class RuleBook {
  readonly #groups: ReadonlyMap<string, GroupPicture>;
  readonly #members = new Map<string, AddressSet>();
  readonly #made = new Map<string, PortRules>();

  constructor(groups: readonly GroupPicture[]) {
    this.#groups = new Map(groups.map((group) => [group.id, group]));
  }

  /** Of a port with these groups; one that the picture has not says nothing. */
  of(groupIds: readonly string[]): PortRules {
    const key = groupIds.toSorted().join();
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const rules = [...new Set(groupIds)].flatMap((id) => this.#groups.get(id)?.rules ?? []);
    const towards = (direction: RulePicture["direction"]) =>
      rules.filter((rule) => rule.direction === direction).map((rule) => this.#ruleOf(rule));
    const made = { egress: towards("egress"), ingress: towards("ingress") };
    this.#made.set(key, made);
    return made;
  }

  #ruleOf({ ipVersion, protocol, portMin, portMax, remoteCidr, remoteGroupId }: RulePicture): Rule {
    const remote = remoteGroupId === null ? cidrSet(remoteCidr) : this.#membersOf(remoteGroupId);
    return { version: ipVersion, protocol, min: portMin, max: portMax, remote };
  }

  #membersOf(groupId: string): AddressSet {
    const known = this.#members.get(groupId);
    if (known !== undefined) return known;
    const made = new AddressSet(this.#groups.get(groupId)?.members ?? []);
    this.#members.set(groupId, made);
    return made;
  }
}

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
