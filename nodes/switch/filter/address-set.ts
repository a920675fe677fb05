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
    const ranges = texts.flatMap((text) => {
      const range = cidrOf(text.includes("/") ? text : wholeOf(text));
      if (range === undefined) return [];
      const { version, first, last } = range;
      return [{ first: digitsOf(version, first), last: digitsOf(version, last) }];
    });
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
