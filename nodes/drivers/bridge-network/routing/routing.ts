/**
 * The host's routers and its ways outside, each a namespace beside the fabric, made what the plan says
 * whatever they were before, and proved by another look. Rules are in a namespace before any device is. What
 * no picture needs goes at once, with all that is in it. Nothing is believed because it was done once, but
 * that between two rounds nobody changes a namespace: only a round looks at those whose plan is the same.
 */
import { join } from "node:path";
import type { HostNetworking, NetworkFailure } from "../../../../protocol/networking.ts";
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import { throwIfAborted } from "../../waiting.ts";
import type { Fabric } from "../fabric.ts";
import type { PlannedNeighbour } from "../places.ts";
import { routersOf } from "../router-ports.ts";
import { Announcer } from "./announcer.ts";
import { makeMissing } from "./devices.ts";
import { failuresOf, withoutSpaces } from "./failures.ts";
import { isRouterSpace } from "./names.ts";
import type { OutsideOptions } from "./options.ts";
import { routingPlan } from "./plan.ts";
import type { RoutingPlan } from "./planned.ts";
import { probeRouting, type Ways } from "./probe.ts";
import { SpaceRules } from "./space-rules.ts";
import { answerAtOnce, lookAtSpace, prepareSpace, settleSpace } from "./space-settler.ts";
import { spaceSteps } from "./space-steps.ts";
import { type Space, Spaces } from "./spaces.ts";
import { type Target, targetsOf } from "./targets.ts";
import { TransitFile } from "./transit-file.ts";
import { Tries } from "./tries.ts";

export interface RoutingParts {
  readonly fabric: Fabric;
  readonly outside: OutsideOptions;
  /** Hears that something has gone, which is to be looked at soon. */
  readonly lost: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RoutingState {
  readonly networking: HostNetworking | null;
  /** Who is at which address of a bridge. */
  readonly neighbours: readonly PlannedNeighbour[];
}

interface Settled {
  readonly tries: Tries<Target>;
  /** Those that were looked at. */
  readonly settled: readonly Target[];
  readonly spaceOf: (name: string) => Space;
}

export class Routing {
  readonly #parts: RoutingParts;
  readonly #spaces: Spaces;
  readonly #rules: SpaceRules;
  readonly #transits: TransitFile;
  readonly #announcer: Announcer;
  /** Undefined: it was not tried yet. Null: this computer does not route. */
  #ways: Ways | null | undefined;
  #hasRemade = true;
  readonly #prepared = new WeakSet<Space>();
  /** By space: the plan that was proved by this life of the agent. */
  readonly #proved = new Map<string, string>();
  /** By space: the plan whose rules were brought into it last, by this life of the agent. */
  readonly #ruled = new Map<string, string>();

  constructor(parts: RoutingParts) {
    const { fabric, clock, log, lost } = parts;
    this.#parts = parts;
    this.#spaces = new Spaces({ directory: fabric.directory, fabric: () => fabric.namespaces(), clock, log });
    this.#rules = new SpaceRules(fabric.directory, clock, log);
    this.#transits = new TransitFile(join(fabric.directory, "transits.json"), log);
    this.#announcer = new Announcer(clock, log, lost);
  }

  /** At the agent's start: what is lacking is said then. */
  async probe(): Promise<void> {
    this.#ways ??= await probeRouting(this.#parts);
  }

  /** Of the host's facts; undefined: it does not route. */
  facts(): readonly { readonly physicalNetwork: string; readonly floating: boolean }[] | undefined {
    if (this.#ways === null || this.#ways === undefined) return undefined;
    return this.#ways.working.map((physicalNetwork) => ({ physicalNetwork, floating: true }));
  }

  /**
   * `looks`: also at what has the same plan as before. Answers the routers and ways outside that are not as
   * planned, while all others are. @throws StatusError hypervisorRefused; AbortError
   */
  async settle(state: RoutingState, looks: boolean, signal: AbortSignal): Promise<readonly NetworkFailure[]> {
    this.#hasRemade = true;
    const plan = await this.#plan(state);
    await this.#end(plan);
    const targets = targetsOf(plan);
    const spaces = new Map<string, Space>();
    const changed: Target[] = [];
    for (const target of targets) {
      const there = await this.#spaces.find(target.name);
      if (there !== undefined) spaces.set(target.name, there);
      if (looks || there === undefined || this.#proved.get(target.name) !== target.text) changed.push(target);
    }
    for (const { name } of changed) this.#proved.delete(name);
    const tries = new Tries<Target>(({ name }) => name);
    await tries.each(changed, async ({ name }) => void spaces.set(name, await this.#open(name)));
    const spaceOf = (name: string) => spaces.get(name) ?? unknown(name);
    await tries.each(changed, async (one) => {
      await this.#rules.bring(one, spaceOf(one.name));
      this.#ruled.set(one.name, one.text);
    });
    // Without its rules a router would go on by those of before; one that has them loses no connections.
    for (const { name, text } of changed)
      if (tries.failed.has(name) && this.#ruled.get(name) !== text) await this.#endOne(name);
    throwIfAborted(signal);
    const open = withoutSpaces(plan, new Set(tries.failed.keys()));
    const sound = changed.filter(({ name }) => !tries.failed.has(name));
    const { touched, remade, complaints } = await this.#makeDevices(open, sound, { tries, spaceOf });

    const settled = targets.filter((one) => changed.includes(one) || touched.has(one.name));
    await tries.each(settled, async ({ name, state: wanted, text }) => {
      await settleSpace(spaceOf(name), wanted, complaints);
      this.#proved.set(name, text);
    });
    await this.#answer(plan, { tries, settled, spaceOf });
    // Routers that failed may have ended, and their devices with these.
    this.#hasRemade = remade || tries.failed.size > 0;
    return failuresOf(tries.failed, { ...state, outside: this.#parts.outside });
  }

  async #answer({ outsides }: RoutingPlan, { tries, settled, spaceOf }: Settled): Promise<void> {
    const kept = (name: string) => outsides.find(({ space }) => space === name);
    const ways = outsides.flatMap(({ space }) => settled.filter(({ name }) => name === space));
    await tries.each(ways, async ({ name }) => {
      const outside = kept(name);
      if (outside !== undefined) await answerAtOnce(spaceOf(name), outside.device);
    });
    const sound = outsides.filter(({ space }) => !tries.failed.has(space));
    // One that comes back is told of anew.
    this.#announcer.keepOnly(new Set(sound.map(({ space }) => space)));
    for (const outside of sound) this.#announcer.settled(outside, spaceOf(outside.space));
  }

  /** Devices in the fabric are others than before the last settling, or may be. */
  get hasRemade(): boolean {
    return this.#hasRemade;
  }

  async detach(): Promise<void> {
    this.#announcer.keepOnly(new Set());
    await this.#spaces.detach();
  }

  async #plan({ networking, neighbours }: RoutingState): Promise<RoutingPlan> {
    const outside = this.#ways?.all ?? {};
    const leaving = routersOf(networking).filter(
      (one) => one.outside !== null && Object.hasOwn(outside, one.outside.physicalNetwork),
    );
    const transits = await this.#transits.advance(leaving.map(({ id }) => id));
    return routingPlan({ networking, neighbours, outside, transits });
  }

  async #end({ routers, outsides }: RoutingPlan): Promise<void> {
    const kept = new Set([...routers, ...outsides].map(({ space }) => space));
    this.#announcer.keepOnly(new Set(outsides.map(({ space }) => space)));
    for (const name of await this.#spaces.names()) {
      if (!kept.has(name)) await this.#endOne(name);
    }
  }

  async #endOne(name: string): Promise<void> {
    this.#proved.delete(name);
    this.#ruled.delete(name);
    this.#rules.forget(name);
    await this.#spaces.end(name);
  }

  async #open(name: string): Promise<Space> {
    const space = await this.#spaces.open(name);
    if (!this.#prepared.has(space)) await prepareSpace(space, isRouterSpace(name));
    this.#prepared.add(space);
    return space;
  }

  async #makeDevices(
    plan: RoutingPlan,
    changed: readonly Target[],
    { tries, spaceOf }: Omit<Settled, "settled">,
  ) {
    const looked = new Map<string, ReadonlySet<string>>();
    await tries.each(changed, async ({ name, state }) => {
      const { missing } = spaceSteps(state, await lookAtSpace(spaceOf(name)));
      looked.set(name, new Set(missing.map((link) => link.name)));
    });
    const { fabric } = this.#parts;
    return makeMissing({ plan, missing: looked, spaceOf, fabric });
  }
}

const unknown = (name: string): never => {
  throw new Error(`The namespace ${name} was not opened.`);
};
