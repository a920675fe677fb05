/**
 * The addresses of the computer itself, as the kernel has them: those of its devices, those that it takes for
 * its own without a device, and those that stand for everybody on a link. When they cannot be told, every
 * address is taken for one of them.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { AddressSet } from "../filter/address-set.ts";
import { switchLimits } from "../limits.ts";

const everything = new AddressSet(["0.0.0.0/0"]);

/**
 * Of Linux's /proc/net/fib_trie, which has the routes of all tables: a line with the first address of a
 * range, and below it one for each of its routes.
 */
export function localRangesIn(text: string): readonly string[] {
  const ranges: string[] = [];
  let first = "";
  for (const line of text.split("\n")) {
    const [, address] = /\|-- ([\d.]+)$/.exec(line) ?? [];
    const [, prefix, kind] = /^\s+\/(\d+) \S+ (\w+)/.exec(line) ?? [];
    if (address !== undefined) first = address;
    else if (kind === "LOCAL" || kind === "BROADCAST" || kind === "ANYCAST")
      ranges.push(`${first}/${prefix}`);
  }
  return ranges;
}

function ownRanges(): readonly string[] {
  const devices = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ family }) => family === "IPv4").map(({ address }) => address),
  );
  const known = localRangesIn(readFileSync("/proc/net/fib_trie", "latin1"));
  // A text without the loopback is no table of routes of this kernel.
  if (!known.includes("127.0.0.0/8")) throw new Error("The kernel does not say its own addresses.");
  return [...known, ...devices];
}

export class OwnAddresses {
  readonly #read: () => readonly string[];
  /** By which a reading is timed. */
  readonly #clockMs: () => number;
  #known = everything;
  #readAgainAtMs = Number.NEGATIVE_INFINITY;

  constructor(read = ownRanges, clockMs = () => performance.now()) {
    this.#read = read;
    this.#clockMs = clockMs;
  }

  /** `address`: digits of IPv4. */
  has(address: string, nowMs: number): boolean {
    if (nowMs >= this.#readAgainAtMs) {
      const beganAtMs = this.#clockMs();
      this.#known = this.#newest();
      const tookMs = this.#clockMs() - beganAtMs;
      const { ownAddressesAgeMsMax, ownAddressesRestMax } = switchLimits;
      this.#readAgainAtMs = nowMs + Math.max(ownAddressesAgeMsMax, tookMs * ownAddressesRestMax);
    }
    return this.#known.has(address);
  }

  #newest(): AddressSet {
    try {
      return new AddressSet(this.#read());
    } catch {
      return everything;
    }
  }
}
