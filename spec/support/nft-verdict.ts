/**
 * What nftables makes of a frame by a ruleset of ours, worked out from the rules' texts: a reader of the part
 * of nft's language that the compiler writes, and of nothing else. It throws at what it does not know. What
 * the kernel finds of connections is handed in.
 */
import type { NftSet, Ruleset, Table } from "../../nodes/drivers/bridge-network/rules/model.ts";
import { addressOf, cidrOf } from "../../protocol/address.ts";

type Value = bigint | string;
interface Span {
  readonly first: Value;
  readonly last: Value;
}

export interface Passing {
  readonly frame: Buffer;
  readonly from: string;
  /** Of the bridge's device that it goes to. */
  readonly to: string;
  /** What the IP layer says by its mark, of a packet that is nobody's service. */
  readonly mark: number;
}

interface Packet {
  readonly fields: ReadonlyMap<string, Value>;
  readonly options: readonly string[];
  readonly hasRouting: boolean;
}

const symbols = new Map<string, bigint>([
  ...([
    ["arp", 0x806n],
    ["ip", 0x800n],
    ["ip6", 0x86ddn],
    ["request", 1n],
    ["reply", 2n],
    ["syn", 2n],
  ] as const),
  ...([
    ["nd-neighbor-solicit", 135n],
    ["nd-neighbor-advert", 136n],
    ["nd-router-solicit", 133n],
    ["nd-router-advert", 134n],
  ] as const),
  ...([
    ["nd-redirect", 137n],
    ["(syn | ack)", 18n],
  ] as const),
]);

function literal(text: string): Span {
  const known = symbols.get(text);
  if (known !== undefined) return { first: known, last: known };
  if (text.startsWith('"')) return { first: text.slice(1, -1), last: text.slice(1, -1) };
  if (/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)) return single(BigInt(`0x${text.replaceAll(":", "")}`));
  const range = text.includes("/") ? cidrOf(text) : undefined;
  if (range !== undefined) return { first: range.first, last: range.last };
  const [head = "", tail] = text.split("-");
  if (tail !== undefined) return { first: literal(head).first, last: literal(tail).last };
  const address = /[.:]/.test(text) ? addressOf(text) : undefined;
  if (address !== undefined) return single(address.value);
  if (/^(?:0x[0-9a-f]+|\d+)$/.test(text)) return single(BigInt(text));
  throw new Error(`It is no value: ${text}`);
}

const single = (value: bigint): Span => ({ first: value, last: value });
const isIn = (value: Value, { first, last }: Span): boolean => value >= first && value <= last;

const numberOf = (bytes: Buffer): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`));

function fieldsOf(frame: Buffer): Packet {
  const fields = new Map<string, Value>();
  const set = (name: string, at: number, bytes: number) => {
    if (frame.length >= at + bytes) fields.set(name, numberOf(frame.subarray(at, at + bytes)));
  };
  set("ether daddr", 0, 6);
  set("ether saddr", 6, 6);
  set("ether type", 12, 2);
  const type = frame.readUInt16BE(12);
  if (type === 0x806) {
    for (const [name, at, bytes] of [
      ...([
        ["htype", 14, 2],
        ["ptype", 16, 2],
        ["hlen", 18, 1],
        ["plen", 19, 1],
        ["operation", 20, 2],
      ] as const),
      ...([
        ["saddr ether", 22, 6],
        ["saddr ip", 28, 4],
        ["daddr ip", 38, 4],
      ] as const),
    ])
      set(`arp ${name}`, at, bytes);
    return { fields, options: [], hasRouting: false };
  }
  if (type === 0x800) return ipv4Of(frame, fields, set);
  return type === 0x86dd ? ipv6Of(frame, fields, set) : { fields, options: [], hasRouting: false };
}

type Put = (name: string, at: number, bytes: number) => void;

function ipv4Of(frame: Buffer, fields: Map<string, Value>, set: Put): Packet {
  set("ip saddr", 26, 4);
  set("ip daddr", 30, 4);
  set("ip protocol", 23, 1);
  set("meta l4proto", 23, 1);
  set("ip frag-off", 20, 2);
  const at = 14 + ((frame[14] ?? 0) & 15) * 4;
  const options = [...frame.subarray(34, at)].flatMap((one) =>
    one === 131 ? ["lsrr"] : one === 137 ? ["ssrr"] : [],
  );
  if ((frame.readUInt16BE(20) & 0x1fff) === 0) carried(frame[23] ?? 0, at, set);
  return { fields, options, hasRouting: false };
}

function ipv6Of(frame: Buffer, fields: Map<string, Value>, set: Put): Packet {
  set("ip6 saddr", 22, 16);
  set("ip6 daddr", 38, 16);
  set("ip6 length", 18, 2);
  set("ip6 nexthdr", 20, 1);
  const next = frame[20] ?? 0;
  const [protocol, at] = next === 43 ? [frame[54] ?? 0, 54 + 8 * ((frame[55] ?? 0) + 1)] : [next, 54];
  fields.set("meta l4proto", BigInt(protocol));
  carried(protocol, at, set);
  return { fields, options: [], hasRouting: next === 43 };
}

function carried(protocol: number, at: number, set: Put): void {
  const name = new Map<number, string>([
    [6, "tcp"],
    [17, "udp"],
    [132, "sctp"],
    [1, "icmp"],
    [58, "icmpv6"],
  ] as const).get(protocol);
  if (name === undefined) return;
  if (name === "icmp" || name === "icmpv6") {
    set(`${name} type`, at, 1);
    set(`${name} code`, at + 1, 1);
    set("@th,64,128", at + 8, 16);
    set("@th,64,192", at + 8, 24);
    set("@th,192,64", at + 24, 8);
    return;
  }
  for (const one of [name, "th"]) {
    set(`${one} sport`, at, 2);
    set(`${one} dport`, at + 2, 2);
  }
  if (name === "tcp") set("tcp flags", at + 13, 1);
}

const fieldPattern =
  "(?:iifname|oifname|ether (?:type|saddr|daddr)|arp (?:htype|ptype|hlen|plen|operation|[sd]addr (?:ether|ip))|" +
  "ip6? [sd]addr|ip (?:protocol|frag-off)|meta (?:l4proto|mark)|(?:udp|tcp|sctp|th) [sd]port|tcp flags|" +
  "icmp(?:v6)? (?:type|code)|ip6 (?:length|nexthdr)|@th,(?:64,128|64,192|192,64))";
const one = (pattern: string): RegExp => new RegExp(`^${pattern}(?: |$)`);
const patterns = {
  verdict: /^(?:(accept|drop)|(goto|jump) (\S+))$/,
  set: one(
    "(?:meta mark set (\\d+)|meta pkttype set host|ip daddr set [\\d.]+|ether daddr set [0-9a-f:]{17})",
  ),
  mapped: one(
    "(?:(?:ip|ether) [sd]addr|meta mark) set ((?:iifname|ip daddr|meta mark \\. @th,64,128)) map @(\\S+)",
  ),
  limit: /^update @\S+ \{ iifname limit rate over .*? packets \} /,
  option: one("ip option (\\S+) exists"),
  routing: one("exthdr rt exists"),
  vmap: one(`(${fieldPattern}) vmap (@\\S+|\\{ .*? \\})`),
  lookup: one(`(${fieldPattern}(?: \\. ${fieldPattern})*) (!= )?@(\\S+)`),
  compare: one(`(${fieldPattern}) (?:& (\\(syn \\| ack\\)|\\S+) )?(==|!=)? ?(\\{ .*? \\}|\\S+)`),
} as const;

type Verdict = "accept" | "drop" | "return";

class Run {
  readonly #table: Table;
  readonly #packet: Packet;
  readonly fields: Map<string, Value>;

  constructor(table: Table, packet: Packet, given: Readonly<Record<string, Value>>) {
    this.#table = table;
    this.#packet = packet;
    this.fields = new Map([...packet.fields, ...Object.entries(given)]);
  }

  chain(name: string): Verdict {
    const chain = this.#table.chains.get(name);
    if (chain === undefined) throw new Error(`There is no chain ${name}.`);
    for (const rule of chain.rules) {
      const verdict = this.#rule(rule);
      if (verdict !== undefined) return verdict;
    }
    return chain.hook?.includes("policy drop") === true ? "drop" : "return";
  }

  /** Undefined: the next rule is asked. */
  #rule(text: string): Verdict | undefined {
    let rest = text;
    while (rest !== "") {
      const [, plain, how, target = ""] = patterns.verdict.exec(rest) ?? [];
      if (plain === "accept" || plain === "drop") return plain;
      if (how !== undefined) return this.#call(how, target);
      const vmap = patterns.vmap.exec(rest);
      if (vmap !== null) return this.#vmap(vmap[1] ?? "", vmap[2] ?? "");
      const length = this.#step(rest);
      if (length === undefined) return undefined;
      rest = rest.slice(length);
    }
    return undefined;
  }

  #call(how: string, target: string): Verdict | undefined {
    const verdict = this.chain(target);
    return verdict === "return" && how === "jump" ? undefined : verdict;
  }

  #vmap(field: string, where: string): Verdict | undefined {
    const pairs = where.startsWith("@")
      ? [...this.#set(where.slice(1)).elements]
      : items(where).map((text) => text.split(" : ") as [string, string]);
    const value = this.fields.get(field);
    const found = pairs.find(([key]) => value !== undefined && isIn(value, literal(key)));
    return found && this.#rule(found[1]);
  }

  /** How much of the text it was; undefined: it does not match. */
  #step(rest: string): number | undefined {
    const { set, mapped, limit, option, routing } = patterns;
    const mark = set.exec(rest);
    if (mark?.[1] !== undefined) this.fields.set("meta mark", BigInt(mark[1]));
    if (mark !== null) return mark[0].length;
    if (limit.test(rest)) return undefined;
    const map = mapped.exec(rest);
    if (map !== null) {
      const values = (map[1] ?? "").split(" . ").map((field) => this.fields.get(field) ?? "");
      const isFound = [...this.#set(map[2] ?? "").elements].find(([key]) =>
        key.split(" . ").every((part, at) => isIn(values[at] ?? "", literal(part))),
      );
      if (isFound !== undefined && rest.startsWith("meta mark"))
        this.fields.set("meta mark", literal(isFound[1]).first);
      return isFound ? map[0].length : undefined;
    }
    const named = option.exec(rest);
    if (named !== null) return this.#packet.options.includes(named[1] ?? "") ? named[0].length : undefined;
    const exists = routing.exec(rest);
    if (exists !== null) return this.#packet.hasRouting ? exists[0].length : undefined;
    return this.#match(rest);
  }

  #match(rest: string): number | undefined {
    const lookup = patterns.lookup.exec(rest);
    if (lookup !== null) {
      const values = (lookup[1] ?? "").split(" . ").map((field) => this.fields.get(field));
      if (values.includes(undefined)) return undefined;
      const keys = [...this.#set(lookup[3] ?? "").elements.keys()].map((key) =>
        key.split(" . ").map(literal),
      );
      const isFound = keys.some((key) => key.every((span, at) => isIn(values[at] ?? "", span)));
      return isFound === (lookup[2] === undefined) ? lookup[0].length : undefined;
    }
    const compare = patterns.compare.exec(rest);
    if (compare === null) throw new Error(`It is no rule of ours: ${rest}`);
    const [all, field = "", mask, operator, right = ""] = compare;
    const value = this.fields.get(field);
    if (value === undefined) return undefined;
    const masked = mask === undefined ? value : (value as bigint) & (literal(mask).first as bigint);
    const isEqual = items(right).some((text) => isIn(masked, literal(text)));
    return isEqual === (operator !== "!=") ? all.length : undefined;
  }

  #set(name: string): NftSet {
    const set = this.#table.sets.get(name);
    if (set === undefined) throw new Error(`There is no set ${name}.`);
    return set;
  }
}

const items = (text: string): string[] => (text.startsWith("{") ? text.slice(2, -2).split(", ") : [text]);

/** `service`: the frame goes to the responder of the host. */
export function nftVerdict(
  ruleset: Ruleset,
  { frame, from, to, mark }: Passing,
): "forged" | "drop" | "accept" | "service" {
  const table = ruleset.find(({ family }) => family === "bridge");
  if (table === undefined) throw new Error("There is no table of the bridge.");
  const packet = fieldsOf(frame);
  const entry = new Run(table, packet, { iifname: from });
  if (entry.chain("pre") !== "accept") return "forged";
  if (entry.fields.get("meta mark") === 4n) return "service";
  return forwardVerdict(ruleset, { frame, from, to, mark });
}

/** Of a frame that has come in with the mark. */
export function forwardVerdict(ruleset: Ruleset, { frame, from, to, mark }: Passing): "accept" | "drop" {
  const table = ruleset.find(({ family }) => family === "bridge");
  if (table === undefined) throw new Error("There is no table of the bridge.");
  const given = { iifname: from, oifname: to, "meta mark": BigInt(mark) };
  return new Run(table, fieldsOf(frame), given).chain("forward") === "accept" ? "accept" : "drop";
}
