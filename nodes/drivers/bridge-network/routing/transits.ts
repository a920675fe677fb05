/**
 * The address that each router has towards the ways outside, and nobody else as long as the router is on this
 * host. Connections are known by it: it must stay the same over lives of the agent. Pure.
 */
import { type Static, Type } from "@sinclair/typebox";
import { addressText } from "../../../../protocol/address.ts";
import { answer, Count } from "../../../../protocol/wire/schema.ts";
import { routingLimits } from "./limits.ts";

export const Transits = answer({
  /** By router. */
  numbers: Type.Record(Type.String(), Count),
  /** Where the next number is looked for: those that were given last rest longest. */
  next: Count,
});
export type Transits = Static<typeof Transits>;

export const noTransits: Transits = { numbers: {}, next: 0 };

const { transitsMax } = routingLimits;

/** A router keeps its number as long as the host has it. When all are given, new routers have none. */
export function nextTransits(before: Transits, routerIds: readonly string[]): Transits {
  const wanted = [...new Set(routerIds)];
  const numbers = new Map<string, number>();
  const used = new Set<number>();
  const take = (id: string, number: number) => {
    numbers.set(id, number);
    used.add(number);
  };
  for (const id of wanted) {
    const number = before.numbers[id];
    if (number !== undefined && number <= transitsMax && !used.has(number)) take(id, number);
  }
  let { next } = before;
  for (const id of wanted) {
    if (numbers.has(id) || used.size >= transitsMax) continue;
    do next = (next % transitsMax) + 1;
    while (used.has(next));
    take(id, next);
  }
  return { numbers: Object.fromEntries(numbers), next };
}

/** 169.254.1.0. */
const first = 0xa9fe_0100n;

export const transitAddress = (number: number): string =>
  addressText({ version: 4, value: first + BigInt(number) });
