/**
 * A controller's creates and dry runs on a store in memory, without hosts' agents and without a bus: what is
 * between the validated request and the commit. Everything is a function of what the test does; a second
 * controller (`other`) shares the store, so that the first one's views can be old.
 */

import { networkingOf } from "../../actors/control/catalog/networks/handlers.ts";
import { HostDirectory } from "../../actors/control/directory/directory.ts";
import { InstanceRegistry } from "../../actors/control/instance/registry.ts";
import { Creator } from "../../actors/control/instances/creator.ts";
import { instanceHandlers } from "../../actors/control/instances/service.ts";
import { Placer } from "../../actors/control/placement/placer.ts";
import { Commits } from "../../actors/control/request/commits.ts";
import { Waits } from "../../actors/control/request/waits.ts";
import { schedulerDefinition } from "../../actors/control/scheduler/actor.ts";
import { createScheduler } from "../../actors/control/scheduler/schedule.ts";
import { createActorSystem } from "../../actors/runtime/actor.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import type { instanceService } from "../../protocol/instance.ts";
import type { Space } from "../../protocol/space.ts";
import type { CallContext, Handlers, RequestOf } from "../../protocol/wire/service.ts";
import type { Ids } from "../../protocol/wire/transport.ts";
import { actorWorld } from "./actor-world.ts";
import { silentLog } from "./controller-world.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

export type CreateRequest = RequestOf<typeof instanceService.methods.explainCreate>;
type Service = Handlers<typeof instanceService>;

export interface DryRunWorld {
  readonly store: MemoryStore;
  readonly first: OneController;
  readonly other: OneController;
  /** Ids begin anew, with this in front: two worlds that do the same then have the same ids. */
  step(name: string): void;
  advance(ms: number): Promise<void>;
  end(): Promise<void>;
}

export interface OneController {
  readonly create: (request: CreateRequest, project: string) => ReturnType<Service["create"]>;
  readonly dryRun: (request: CreateRequest, project: string) => ReturnType<Service["explainCreate"]>;
  /** The file system of the controller; a full one refuses all creates. */
  full: Space | undefined;
  readonly placer: Placer;
  readonly directory: HostDirectory;
  /** How often the store refused a commit of it, by kind: each time it had to choose again, or to give up. */
  readonly refusals: Map<string, number>;
}

export async function dryRunWorld(): Promise<DryRunWorld> {
  const world = actorWorld();
  const { clock, system } = world;
  const store = new MemoryStore(clock);
  let prefix = "";
  let minted = 0;
  const ids = {
    next: () => {
      minted += 1;
      return `${prefix}-${String(minted).padStart(6, "0")}`;
    },
  };
  const shared = { store, clock, ids };
  // Each controller has actors of its own, with the same names.
  const systems = [system, createActorSystem({ clock, log: silentLog })] as const;
  clock.watch(() => systems[1].busy);
  const first = new OneOfTwo({ ...shared, system: systems[0] }, 0);
  const other = new OneOfTwo({ ...shared, system: systems[1] }, 1);
  await Promise.all([first.directory.open(), other.directory.open()]);
  return {
    ...{ store, first, other },
    step: (name) => {
      prefix = name;
      minted = 0;
    },
    advance: (ms) => clock.advance(ms),
    end: async () => {
      for (const { directory } of [first, other]) directory.close();
      await systems[1].stop();
      await world.end();
    },
  };
}

interface Shared {
  readonly store: MemoryStore;
  readonly system: ActorSystem;
  readonly clock: SimulatedClock;
  readonly ids: Ids;
}

class OneOfTwo implements OneController {
  full: Space | undefined;
  readonly placer: Placer;
  readonly directory: HostDirectory;
  readonly refusals = new Map<string, number>();
  readonly #handlers: Service;
  readonly #shared: Shared;

  constructor(shared: Shared, firstTurn: number) {
    const { store, system, clock } = shared;
    this.#shared = shared;
    this.directory = new HostDirectory({
      ...{ store, clock, system, log: silentLog },
      onRead: (hosts, readAtMs) => this.placer.read(hosts, readAtMs),
    });
    const definition = schedulerDefinition({ scheduler: createScheduler(), store, firstTurn });
    const scheduler = system.spawn({ ...definition, name: `scheduler-${firstTurn}` });
    this.placer = new Placer({ scheduler, directory: this.directory, store, clock });
    this.#handlers = handlersOf(this, shared);
  }

  create(request: CreateRequest, project: string): ReturnType<Service["create"]> {
    return this.#handlers.create(request, this.#context(project));
  }

  dryRun(request: CreateRequest, project: string): ReturnType<Service["explainCreate"]> {
    return this.#handlers.explainCreate(request, this.#context(project));
  }

  #context(project: string): CallContext {
    return {
      project,
      id: "",
      requestId: this.#shared.ids.next(),
      deadlineMs: this.#shared.clock.monotonicMs() + 60_000,
      traceparent: undefined,
      signal: new AbortController().signal,
      onlyWaits: () => undefined,
    };
  }
}

const unasked = async (): Promise<never> => {
  throw new Error("No host and no instance is asked.");
};

function handlersOf(controller: OneOfTwo, { store, system, clock, ids }: Shared): Service {
  const { directory, placer } = controller;
  const waits = new Waits(store, clock);
  const commits = new Commits(store, () => undefined, waits);
  const commit: typeof commits.commit = async (changes) => {
    const result = await commits.commit(changes);
    const { refusals } = controller;
    if (result.kind !== "committed") refusals.set(result.kind, (refusals.get(result.kind) ?? 0) + 1);
    return result;
  };
  const space = {
    get full() {
      return controller.full;
    },
  };
  const networking = networkingOf({ store, commit, clock, ids });
  const creator = new Creator({
    store,
    commit,
    placer,
    clock,
    ids,
    space,
    networking,
    born: () => undefined,
  });
  const registry = new InstanceRegistry(system, {
    ...{ store, commit, clock, ids, log: silentLog },
    hostFacts: (hostId) => directory.facts(hostId),
    seenTogether: () => directory.storagesTogether(),
    fencesOf: (hostIds) => directory.fencesOf(hostIds),
    hostFull: () => undefined,
    askHost: unasked,
    place: unasked,
    roomOn: () => undefined,
  });
  const hostAgent = (): never => {
    throw new Error("No host is asked.");
  };
  const obstacleOf = () => undefined;
  const parts = { registry, creator, networking, placer, directory, waits, hostAgent, obstacleOf };
  const makeImage = hostAgent;
  return instanceHandlers({ store, clock, ids, makeImage, ...parts });
}
