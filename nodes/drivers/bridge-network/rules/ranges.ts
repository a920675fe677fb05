/** Addresses of the picture in nft's words: single ones, and ranges that never overlap. Pure. */
import { addressOf, addressText, cidrOf, type IpVersion, type Range } from "../../../../protocol/address.ts";

interface Addresses {
  readonly single: readonly string[];
  /** `first-last`. */
  readonly ranges: readonly string[];
}

/** What is neither an address nor a range adds nothing. */
export function addressesOf(version: IpVersion, texts: readonly string[]): Addresses {
  const ranges = texts.flatMap((text) => rangeOf(text) ?? []).filter((range) => range.version === version);
  const isSingle = ({ first, last }: Range) => first === last;
  return {
    single: [...new Set(ranges.filter(isSingle).map(({ first }) => addressText({ version, value: first })))],
    ranges: apart(ranges.filter((range) => !isSingle(range))).map(rangeText),
  };
}

function rangeOf(text: string): Range | undefined {
  if (text.includes("/")) return cidrOf(text);
  const address = addressOf(text);
  return address && { version: address.version, first: address.value, last: address.value };
}

const rangeText = ({ version, first, last }: Range): string =>
  `${addressText({ version, value: first })}-${addressText({ version, value: last })}`;

function apart(ranges: readonly Range[]): readonly Range[] {
  const sorted = ranges.toSorted((one, other) => (one.first < other.first ? -1 : 1));
  const merged: Range[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || before.last < range.first) merged.push(range);
    else if (before.last < range.last) merged[merged.length - 1] = { ...before, last: range.last };
  }
  return merged;
}
