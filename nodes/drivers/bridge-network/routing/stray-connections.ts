/**
 * Which of the kernel's connections a router or a way outside keeps although its plan has not what they
 * stand for any more: those at a floating address that went, or leads elsewhere, and those of a router that
 * may not lead outside. Each packet of a connection is changed as its first one was, so these have to end.
 * Pure.
 */
import type { PlannedOutside, PlannedRouter } from "./planned.ts";

/** A connection with the addresses of its first packet, and those of the answer. */
export interface Kept {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly answerer: string;
  readonly answered: string;
}

/** Of `conntrack -L`. Lines of other kinds are left out. */
export const readKept = (text: string): readonly Kept[] =>
  text.split("\n").flatMap((line) => {
    const [, protocol] = /^\S+\s+(\d+) /.exec(line) ?? [];
    const [source, answerer] = [...line.matchAll(/ src=(\S+)/g)].map(([, one]) => one);
    const [destination, answered] = [...line.matchAll(/ dst=(\S+)/g)].map(([, one]) => one);
    if (protocol === undefined || source === undefined || destination === undefined) return [];
    if (answerer === undefined || answered === undefined) return [];
    return [{ protocol, source, destination, answerer, answered }];
  });

export function straysOfRouter(all: readonly Kept[], { floating, leave }: PlannedRouter): readonly Kept[] {
  const leads = new Set(floating.map(({ address, target }) => `${address} ${target}`));
  return all.filter(({ source, destination, answerer, answered }) => {
    if (answerer !== destination && !leads.has(`${destination} ${answerer}`)) return true;
    if (answered === source || leads.has(`${answered} ${source}`)) return false;
    return leave?.snat !== true || answered !== leave.transit;
  });
}

export function straysOfOutside(
  all: readonly Kept[],
  { address, customers }: PlannedOutside,
): readonly Kept[] {
  const own = address.split("/")[0];
  const known = new Set(customers.flatMap(({ transit, floating }) => [transit, ...floating]));
  return all.filter(
    ({ source, destination }) => !known.has(source) && !known.has(destination) && destination !== own,
  );
}

/** Lines for `conntrack -R -`, each of which ends all between two addresses. */
export const strayLines = (strays: readonly Kept[]): readonly string[] => [
  ...new Set(
    strays.map(({ protocol, source, destination }) => `-D -p ${protocol} -s ${source} -d ${destination}`),
  ),
];
