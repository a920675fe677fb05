/**
 * The range of addresses by which a computer and its cluster's guests reach each other, of those that RFC
 * 2544 sets aside for measurements, and which address the computer, nodes and floating addresses have. Pure.
 */
import { createHash } from "node:crypto";
import { addressOf, cidrOf, overlap, type Range } from "../../protocol/address.ts";

/** What `cluster.yaml` and the operator's networks call the network that leads to the computer. */
export const outsideNetwork = "outside";

/** Nodes with an address there: the others' routers lead nowhere else. */
const outsideNodesMax = 50;
const rangesMax = 256;
const firstOfNodes = 200;

export interface OutsideRange {
  readonly cidr: string;
  /** The computer's. */
  readonly gateway: string;
  /** For floating addresses. */
  readonly pool: { readonly first: string; readonly last: string };
}

const at = (range: number, last: number): string => `198.19.${range}.${last}`;

export const outsideRangeOf = (range: number): OutsideRange => ({
  ...{ cidr: `${at(range, 0)}/24`, gateway: at(range, 1) },
  pool: { first: at(range, 10), last: at(range, firstOfNodes - 1) },
});

/** The computer's own address there, with its prefix. */
export const computerAddress = (range: number): string => `${at(range, 1)}/24`;

/** Of a node, by its place among all; undefined: it has none. */
export const outsideAddress = (range: number, index: number): string | undefined =>
  index < outsideNodesMax ? `${at(range, firstOfNodes + index)}/24` : undefined;

/** Of a node on the underlay of the cluster's nodes, with its prefix. */
export const underlayAddress = (index: number): string =>
  `198.18.${Math.floor((index + 1) / 256)}.${(index + 1) % 256}/16`;

/** Numbers of the names: the number of before, else the lowest free one. */
export function placed(
  before: Readonly<Record<string, number>>,
  names: readonly string[],
): Readonly<Record<string, number>> {
  const places = { ...before };
  const taken = new Set(Object.values(before));
  for (const name of names.filter((one) => places[one] === undefined)) {
    let place = 0;
    while (taken.has(place)) place += 1;
    taken.add(place);
    places[name] = place;
  }
  return places;
}

/** Ranges to which Linux's /proc/net/route leads by other devices than `own`; the way to all is none. */
export function routedRanges(table: string, own: string): readonly string[] {
  return table
    .trim()
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [device, destination = "", , , , , , mask = ""] = line.split(/\s+/);
      if (device === own || destination === "00000000") return [];
      // Both are numbers as a processor with the lowest byte first reads them.
      const bytes = Buffer.from(destination, "hex").reverse();
      const ones = [...Buffer.from(mask, "hex")].flatMap((byte) => [...byte.toString(2)]);
      return [`${bytes.join(".")}/${ones.filter((bit) => bit === "1").length}`];
    });
}

/**
 * The first range that shares no address with a range of the computer's (`taken`, with prefixes), from one
 * on that the name makes likely to be free. `kept`: what it was before. Undefined: there is none.
 */
export function freeRange(
  name: string,
  taken: readonly string[],
  kept: number | undefined,
): number | undefined {
  const first = createHash("sha256").update(name).digest().readUInt8(0);
  const order = Array.from({ length: rangesMax }, (_, step) => (first + step) % rangesMax);
  return [...(kept === undefined ? [] : [kept]), ...order].find((range) => isFree(range, taken));
}

function isFree(range: number, taken: readonly string[]): boolean {
  const whole = cidrOf(outsideRangeOf(range).cidr);
  return taken.every((text) => {
    const other = rangeAround(text);
    return whole === undefined || other === undefined || !overlap(whole, other);
  });
}

/** The range that an address with a prefix lies in. */
function rangeAround(text: string): Range | undefined {
  const [head = "", prefix] = text.split("/");
  const address = addressOf(head);
  if (address === undefined || prefix === undefined) return undefined;
  const size = 1n << BigInt((address.version === 4 ? 32 : 128) - Number(prefix));
  const first = address.value - (address.value % size);
  return { version: address.version, first, last: first + size - 1n };
}
