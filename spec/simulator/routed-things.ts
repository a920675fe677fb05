/**
 * What a host makes for the routers of its picture, as drivers do: a place for each router, a way outside,
 * and an answer at each floating address. Each is made and released in a step of its own, so that the agent
 * can die between any two; what was made stays until it is released or the power is cut.
 */
import type { Network } from "../../actors/ports/network.ts";
import { type MadeThing, madeForRouters } from "../../actors/promises/made-for-routers.ts";
import { type SlowVerb, withApply } from "./slowed-network.ts";

const keyOf = ({ what, row }: MadeThing): string => `${what} ${row}`;

export class RoutedThings {
  readonly #things = new Map<string, MadeThing>();

  get all(): readonly MadeThing[] {
    return [...this.#things.values()];
  }

  has(thing: MadeThing): boolean {
    return this.#things.has(keyOf(thing));
  }

  async make(thing: MadeThing): Promise<void> {
    this.#things.set(keyOf(thing), thing);
  }

  async release(thing: MadeThing): Promise<void> {
    this.#things.delete(keyOf(thing));
  }

  /** The power is cut. */
  clear(): void {
    this.#things.clear();
  }
}

/** Makes before the picture is taken for applied, and releases after it. An older picture changes nothing. */
export function withRouters(network: Network, things: RoutedThings, verb: SlowVerb): Network {
  return withApply(network, async (networking, signal) => {
    const wanted = madeForRouters(networking);
    const isOld = ((await network.picture?.())?.version ?? 0) > networking.version;
    const missing = isOld ? [] : wanted.filter((thing) => !things.has(thing));
    for (const thing of missing) await verb(`make ${thing.what}`, () => things.make(thing), signal);
    const version = await network.apply(networking, signal);
    const keys = new Set(wanted.map(keyOf));
    const left = isOld ? [] : things.all.filter((thing) => !keys.has(keyOf(thing))).reverse();
    for (const thing of left) await verb(`release ${thing.what}`, () => things.release(thing), signal);
    return version;
  });
}
