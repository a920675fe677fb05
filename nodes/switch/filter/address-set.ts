/**
 * Sets of addresses and ranges, asked for every new connection. Addresses are digits as frames/ethernet.ts
 * has them: of one length they are ordered as numbers are. Pure.
 */
import { addressOf, cidrOf, type IpVersion } from "../../../protocol/address.ts";

const digitsOf = (version: IpVersion, value: bigint): string =>
  value.toString(16).padStart(version === 4 ? 8 : 32, "0");

/** Undefined: the text is no address. */
export function addressDigits(text: string): string | undefined {
  const address = addressOf(text);
  return address && digitsOf(address.version, address.value);
}

/** Of IPv4. */
export const addressOfNumber = (address: number): string => digitsOf(4, BigInt(address));

interface DigitRange {
  readonly first: string;
  readonly last: string;
}

export class AddressSet {
  /** By number of digits: in order, and apart from each other. */
  readonly #ranges: ReadonlyMap<number, readonly DigitRange[]>;

  /** Addresses, or ranges with a prefix; what is neither adds nothing. */
  constructor(texts: readonly string[]) {
    const ranges = texts.map(rangeOf).filter((range) => range !== null);
    const byLength = Map.groupBy(ranges, ({ first }) => first.length);
    this.#ranges = new Map([...byLength].map(([length, some]) => [length, merged(some)]));
  }

  has(address: string): boolean {
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
 * Ranges by their texts: the next picture has nearly the same ones, and frames wait while it is made ready
 * (10,000 members of a group: 40 ms without this, 10 with it).
 */
const read = new Map<string, DigitRange | null>();
const readMax = 100_000;

/** Null: the text is neither an address nor a range. */
function rangeOf(text: string): DigitRange | null {
  const known = read.get(text);
  if (known !== undefined) return known;
  const range = cidrOf(text.includes("/") ? text : wholeOf(text));
  const made =
    range === undefined
      ? null
      : { first: digitsOf(range.version, range.first), last: digitsOf(range.version, range.last) };
  if (read.size >= readMax) read.clear();
  read.set(text, made);
  return made;
}

const wholeOf = (text: string): string => `${text}/${text.includes(":") ? 128 : 32}`;

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
