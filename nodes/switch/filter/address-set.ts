/**
 * Sets of addresses and ranges, asked for every new connection. Addresses are digits as frames/ethernet.ts
 * has them: of one length they are ordered as numbers are. Pure.
 */
import { addressOf, cidrOf, type IpVersion } from "../../../protocol/address.ts";

const digitsOf = (version: IpVersion, value: bigint): string =>
  value.toString(16).padStart(version === 4 ? 8 : 32, "0");

/** Undefined: the text is no address. */
export function addressDigits(text: string): string | undefined {
  const digits = text.includes(":") ? plainDigits6(text) : plainDigits4(text);
  if (digits !== undefined) return digits;
  const address = addressOf(text);
  return address && digitsOf(address.version, address.value);
}

/** Of four decimal numbers; undefined: whoever reads it has to look closer. Ten times as fast as that. */
function plainDigits4(text: string): string | undefined {
  const parts = text.split(".");
  const isPlain =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && +part < 256);
  return isPlain ? parts.map((part) => (+part).toString(16).padStart(2, "0")).join("") : undefined;
}

/** Likewise, of groups in lower case, of which some may be left out. */
function plainDigits6(text: string): string | undefined {
  const [head = "", tail, ...more] = text.split("::");
  const [left, right] = [head, tail ?? ""].map((part) => (part === "" ? [] : part.split(":")));
  const groups = [...(left ?? []), ...(right ?? [])];
  const isFit = more.length === 0 && (tail === undefined ? groups.length === 8 : groups.length < 8);
  if (!isFit || !groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  const digits = (some: readonly string[] | undefined) =>
    some?.map((group) => group.padStart(4, "0")).join("") ?? "";
  return digits(left) + "0000".repeat(8 - groups.length) + digits(right);
}

/** Of IPv4. */
export const addressOfNumber = (address: number): string => digitsOf(4, BigInt(address));

interface DigitRange {
  readonly first: string;
  readonly last: string;
}

export class AddressSet {
  readonly #single = new Set<string>();
  /** By number of digits: in order, and apart from each other. */
  readonly #ranges: ReadonlyMap<number, readonly DigitRange[]>;

  /** Addresses, or ranges with a prefix; what is neither adds nothing. */
  constructor(texts: readonly string[]) {
    const ranges: DigitRange[] = [];
    for (const text of texts) {
      const range = rangeOf(text);
      if (range === null) continue;
      if (range.first === range.last) this.#single.add(range.first);
      else ranges.push(range);
    }
    const byLength = Map.groupBy(ranges, ({ first }) => first.length);
    this.#ranges = new Map([...byLength].map(([length, some]) => [length, merged(some)]));
  }

  has(address: string): boolean {
    if (this.#single.has(address)) return true;
    const ranges = this.#ranges.get(address.length) ?? [];
    // The last range that begins at the address or before is the only one that can hold it.
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.first ?? "") <= address) low = middle + 1;
      else high = middle;
    }
    const found = ranges[low - 1];
    return found !== undefined && address <= found.last;
  }
}

/**
 * Ranges by their texts: the next picture has nearly the same ones, and several of its groups the same
 * members. When there are too many, those are forgotten that were not asked for since the last time.
 */
let read = new Map<string, DigitRange | null>();
let readBefore: ReadonlyMap<string, DigitRange | null> = read;
const readMax = 50_000;

/** Null: the text is neither an address nor a range. */
function rangeOf(text: string): DigitRange | null {
  const known = read.get(text);
  if (known !== undefined) return known;
  if (read.size >= readMax) [readBefore, read] = [read, new Map()];
  const before = readBefore.get(text);
  const range = before === undefined ? readRange(text) : before;
  read.set(text, range);
  return range;
}

function readRange(text: string): DigitRange | null {
  const [head = "", prefix, ...more] = text.split("/");
  const isSingle =
    more.length === 0 && (prefix === undefined || prefix === (head.includes(":") ? "128" : "32"));
  if (isSingle) {
    const digits = addressDigits(head);
    return digits === undefined ? null : { first: digits, last: digits };
  }
  const range = cidrOf(text);
  if (range === undefined) return null;
  return { first: digitsOf(range.version, range.first), last: digitsOf(range.version, range.last) };
}

function merged(ranges: readonly DigitRange[]): readonly DigitRange[] {
  const sorted = ranges.toSorted((one, other) => (one.first < other.first ? -1 : 1));
  const apart: DigitRange[] = [];
  for (const range of sorted) {
    const before = apart.at(-1);
    if (before === undefined || before.last < range.first) apart.push(range);
    else if (before.last < range.last) apart[apart.length - 1] = { first: before.first, last: range.last };
  }
  return apart;
}
