/**
 * What a mutant is, and the plans that it is tried with: some guards matter too rarely in those of seeds.
 * Pure.
 */
import type { PromiseId } from "../../actors/promises/facts.ts";
import { type Plan, type PlannedCommand, type PlannedFault, planOf } from "./plan.ts";
import { controllerLoops } from "./plan-disturbances.ts";
import type { PlanSize } from "./plan-parameters.ts";

/** Text of a file that is changed as it is loaded. */
export interface Change {
  readonly file: string;
  /** Stands exactly once in the file, comments included. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Change {
  readonly name: string;
  /** What must break without the guard. */
  readonly promise: PromiseId;
  /** A second guard that would do when the first fails, of another file: it is switched off as well. */
  readonly masked?: Change;
  /** What the guard sees to. */
  readonly guard: string;
  /** Where the size that seeds draw shows it too rarely. */
  readonly size?: PlanSize;
  /** The same, where the size is not enough: makes the plan of a seed another. */
  readonly shape?: (plan: Plan) => Plan;
}

/** What a seed is for this mutant; a size that somebody asks for comes before its own. */
export function planOfMutant(
  seed: string,
  { size, shape }: Pick<Mutant, "size" | "shape">,
  asked: PlanSize,
): Plan {
  const plan = planOf(seed, { ...size, ...asked });
  return shape === undefined ? plan : shape(plan);
}

/** Builds fail while their guest's process is there, and hosts are slow to end it. */
export function panicking(plan: Plan): Plan {
  const faults = plan.commands
    .filter(({ command }) => command === "create")
    .flatMap(({ atMs }, target): readonly PlannedFault[] =>
      [100, 300, 600].map((ms) => ({ atMs: atMs + ms, fault: "guestPanics", target: target + ms, forMs: 0 })),
    );
  const parameters = { ...plan.parameters, startMs: 1_000, driverLatencyMs: 50, hang: 0.05 };
  return { ...plan, parameters, faults: [...plan.faults, ...faults] };
}

/** Builds fail at once, and what was said to their hosts arrives again, much later. */
export function echoing(plan: Plan): Plan {
  const fast = { lost: 0, doubled: 0.3, late: 0.3, hang: 0, latencyMs: 1, driverLatencyMs: 1, startMs: 10 };
  return { ...plan, parameters: { ...plan.parameters, ...fast, refused: 0.4, hostVcpus: 12 } };
}

/** The same, and agents are killed just after: what a host only had in mind it has forgotten by then. */
export function forgetful(plan: Plan): Plan {
  const shaped = echoing(plan);
  const faults = plan.commands
    .filter(({ command }) => command === "create")
    .flatMap(({ atMs }): readonly PlannedFault[] =>
      Array.from({ length: plan.parameters.hosts }, (_, target) => ({
        ...{ atMs: atMs + 700, fault: "killAgent", target, forMs: 100 },
      })),
    );
  return { ...shaped, faults };
}

export const calm = {
  lost: 0,
  doubled: 0,
  late: 0,
  refused: 0,
  hang: 0,
  rolledBack: 0,
  answerLost: 0,
  slow: 0,
};

/** Agents begin anew, some without a lease on the storage, and are missed one after the other. */
export function mixedAgents(plan: Plan): Plan {
  const parameters = { ...plan.parameters, ...calm, sharedDisks: "locked", storageUnaware: 0.5 } as const;
  const again = [12_000, 16_000, 20_000].flatMap((atMs) =>
    Array.from({ length: parameters.hosts }, (_, target): PlannedFault => {
      return { atMs: atMs + 100 * target, fault: "killAgent", target, forMs: 200 };
    }),
  );
  const missed = [30_000, 45_000, 60_000].map(
    (atMs, target): PlannedFault => ({ atMs, fault: "killAgent", target, forMs: 9_500 }),
  );
  const commands = plan.commands.filter(({ command }) => command === "create");
  return { ...plan, parameters, commands, faults: [...again, ...missed] };
}

/** Agents are stopped for about as long as a lease lasts: they renew while they are being fenced. */
export function nearlyLost(plan: Plan): Plan {
  const parameters = { ...plan.parameters, ...calm, slow: 0.5, storeLatencyMs: 40, oneVersion: true };
  const faults = [15_000, 35_000, 55_000, 75_000].map((atMs, target): PlannedFault => {
    return { atMs, fault: "pauseAgent", target, forMs: 12_000 + ((atMs + target * 700) % 1_600) };
  });
  return { ...plan, parameters, faults };
}

/** Hosts are missed for longer than a lease while the storage hangs under their guests. */
export function hanging(plan: Plan): Plan {
  const parameters = { ...plan.parameters, ...calm, sharedDisks: "unlocked" } as const;
  const faults = [15_000, 40_000, 65_000].flatMap((atMs, target): readonly PlannedFault[] => [
    { atMs, fault: "storageHangs", target, forMs: 24_000 },
    { atMs: atMs + 100, fault: "pauseAgent", target, forMs: 20_000 },
  ]);
  const commands = plan.commands.filter(({ command }) => command === "create" || command === "get");
  return { ...plan, parameters: { ...parameters, hostVcpus: 20 }, commands, faults };
}

/** Hosts are full, and lose their power one after the other: what one has lost finds room only there. */
export function crowded(plan: Plan): Plan {
  const parameters = { ...plan.parameters, ...calm, hostVcpus: 4, sharedDisks: "locked" as const };
  const faults = [20_000, 45_000, 70_000].map(
    (atMs, target): PlannedFault => ({ atMs, fault: "hostAway", target, forMs: 14_000 }),
  );
  const commands = plan.commands.filter(({ command }) => command === "create" || command === "get");
  return {
    ...plan,
    parameters: { ...parameters, storeLatencyMs: 40, driverLatencyMs: 300 },
    commands,
    faults,
  };
}

/** Hosts are drained one after the other, some with guests that stay; every other one is enabled again. */
export function drained(plan: Plan): Plan {
  const faults = [15_000, 25_000, 35_000, 45_000].map((atMs, target): PlannedFault => {
    return { atMs, fault: "hostDrained", target, forMs: target % 2 === 0 ? 300 : neverMs };
  });
  const commands = plan.commands.filter(({ command }) => command === "create" || command === "get");
  const staying = commands.map((one, index) =>
    one.command === "create" && index % 2 === 0
      ? { ...one, request: { ...one.request, recovery: { policy: "leave" } } }
      : one,
  );
  return {
    ...plan,
    parameters: { ...plan.parameters, ...calm, oneVersion: true },
    commands: staying,
    faults,
  };
}

/** After the end of any run. */
const neverMs = 1_000_000_000;

/** Every host lies, all the time: of what runs there, and of what nobody has made. */
export function lying(plan: Plan): Plan {
  const faults = Array.from({ length: plan.parameters.hosts }, (_, target): PlannedFault => {
    return { atMs: 4_000, fault: "hostLies", target, forMs: plan.faultyMs };
  });
  return { ...plan, parameters: { ...plan.parameters, ...calm }, faults };
}

/** Actors of instances and machines break now and then while there is something to do. */
export function crashing(plan: Plan): Plan {
  const messages = ["observed", "command", "ensure", "settled", "report", "tick", "news", "reconcile"];
  const faults = plan.commands.map(({ atMs }, index): PlannedFault => {
    const message = messages[index % messages.length] ?? "tick";
    return { atMs, fault: "actorCrash", target: index, forMs: 5_000, message };
  });
  return { ...plan, parameters: { ...plan.parameters, ...calm }, faults };
}

/** Agents begin anew and find their guests; later machines break while there is something to do. */
export function foundAndBroken(plan: Plan): Plan {
  const everyHost = Array.from({ length: plan.parameters.hosts }, (_, target) => target);
  const restarts = [12_000, 30_000, 50_000].flatMap((atMs) =>
    everyHost.map((target): PlannedFault => ({ atMs, fault: "killAgent", target, forMs: 300 })),
  );
  const broken = plan.commands.flatMap(({ atMs }, index): readonly PlannedFault[] => {
    const message = ["ensure", "settled", "guest", "timer"][index % 4] ?? "ensure";
    return everyHost.map((target) => ({ atMs, fault: "actorCrash", target, forMs: 4_000, message }));
  });
  return { ...plan, parameters: { ...plan.parameters, ...calm }, faults: [...restarts, ...broken] };
}

/** One kind of message breaks so often in a row that the supervisor of whoever hears it gives up. */
function givenUp(plan: Plan, message: string): Plan {
  const commands: readonly PlannedCommand[] = [
    { atMs: 5_100, client: 0, command: "create", target: 0 },
    { atMs: 30_000, client: 0, command: "stopHard", target: 0 },
  ];
  const faults = [{ atMs: 5_000, fault: "actorCrash", target: 0, forMs: 30_000, message, times: 7 }] as const;
  return { ...plan, parameters: { ...plan.parameters, ...calm, oneVersion: true }, commands, faults };
}

export const schedulerGivenUp = (plan: Plan): Plan => givenUp(plan, "heard");
export const instanceGivenUp = (plan: Plan): Plan => givenUp(plan, "observed");

/** Each loop of a controller throws once, and hangs once. */
export function loopsStruck(plan: Plan): Plan {
  const faults = controllerLoops.flatMap((message, index): readonly PlannedFault[] => [
    { atMs: 5_000 + index * 3_000, fault: "loopBreaks", target: index, forMs: 6_000, message },
    { atMs: 6_500 + index * 3_000, fault: "loopHangs", target: index, forMs: 6_000, message },
  ]);
  return { ...plan, parameters: { ...plan.parameters, ...calm, oneVersion: true }, faults };
}

/** Some loops throw in a row until their supervisors give up. */
export function loopsGivenUp(plan: Plan): Plan {
  const faults = (["publisher", "instance-registry", "breaker", "space"] as const).map(
    (message, index): PlannedFault => {
      return { atMs: 5_000 + index * 500, fault: "loopBreaks", target: 0, forMs: 60_000, message, times: 7 };
    },
  );
  return { ...plan, parameters: { ...plan.parameters, ...calm, oneVersion: true }, faults };
}

/** Mailboxes of controllers are full just when something is asked for. */
export function filled(plan: Plan): Plan {
  const { hosts, controllers } = plan.parameters;
  const faults = plan.commands.flatMap(({ atMs }): readonly PlannedFault[] =>
    Array.from({ length: controllers }, (_, index) => ({
      ...{ atMs: atMs - 5, fault: "mailboxesFull", target: hosts + index, forMs: 200 },
    })),
  );
  return { ...plan, parameters: { ...plan.parameters, ...calm }, faults };
}

/** Many members of one anti-affinity group at once; builds fail and go elsewhere, members leave. */
export function apart(plan: Plan): Plan {
  const request = { name: "group-0", policy: "anti-affinity" };
  const made = { atMs: 3_000, client: 0, command: "groupCreate", target: 0, request } as const;
  const moments = Array.from({ length: 8 }, (_, index) => 6_000 + index * 5_000);
  const commands = moments.flatMap((atMs): readonly PlannedCommand[] => [
    ...[0, 0, 0].map((client, index): PlannedCommand => {
      const serverGroup = request.name;
      return { atMs: atMs + index, client, command: "create", target: index, request: { serverGroup } };
    }),
    ...[2_500, 2_600].map((ms, index): PlannedCommand => {
      return { atMs: atMs + ms, client: 0, command: "delete", target: atMs / 1_000 + index };
    }),
  ]);
  const parameters = { ...plan.parameters, ...calm, refused: 0.3, storeLatencyMs: 40, hostVcpus: 12 };
  return { ...plan, parameters, commands: [made, ...commands], faults: [] };
}

/** The same moments for each of the first three instances, which are made before. */
function aboutThree(plan: Plan, commands: readonly Omit<PlannedCommand, "client" | "target">[]): Plan {
  const three = [0, 1, 2];
  const creates = three.map((target): PlannedCommand => {
    return { atMs: 4_000 + target * 200, client: 0, command: "create", target };
  });
  const about = commands.flatMap((one) =>
    three.map((target): PlannedCommand => ({ ...one, atMs: one.atMs + target, client: 0, target })),
  );
  const parameters = { ...plan.parameters, ...calm, oneVersion: true, hostVcpus: 12 };
  return { ...plan, parameters, commands: [...creates, ...about], faults: [] };
}

/** Locks of both sides, and what the project asks for meanwhile. */
export const locked = (plan: Plan): Plan =>
  aboutThree(plan, [
    { atMs: 9_000, command: "lock", request: { reason: "keep" } },
    { atMs: 10_000, command: "stopHard" },
    { atMs: 11_000, command: "set", request: { metadata: { a: "1" } } },
    { atMs: 12_000, command: "operatorLock", request: {} },
    { atMs: 13_000, command: "unlock", request: {} },
    { atMs: 14_000, command: "delete" },
    { atMs: 15_000, command: "operatorUnlock", request: {} },
  ]);

/** Pairs that are set one after the other and at the same moment. */
export const written = (plan: Plan): Plan =>
  aboutThree(
    plan,
    [9_000, 9_000, 9_000, 11_000].map((atMs, index) => ({
      ...{ atMs, command: "set" as const, request: { metadata: { [`key-${index}`]: "1" } } },
    })),
  );

/** The same few rows are made, changed and removed at the same moments, close to their limits. */
export function crowdedResources(plan: Plan): Plan {
  const few = { serverGroups: 2, keyPairs: 2 };
  const limit = { atMs: 3_000, client: 0, command: "quotaSet", target: 0, request: few } as const;
  const moments = Array.from({ length: 40 }, (_, index) => 5_000 + index * 900);
  const rows = moments.flatMap((atMs, index): readonly PlannedCommand[] => [
    ...[0, 1, 2].map((after): PlannedCommand => {
      return { atMs: atMs + after, client: 0, command: "resourceCreate", target: index + after * 20 };
    }),
    ...(index % 6 === 5
      ? [{ atMs: atMs + 400, client: 0, command: "resourceDelete", target: index } as const]
      : []),
  ]);
  const rack = { atMs: 4_000, client: 0, command: "aggregateCreate", target: 0, request: {} } as const;
  const changes = moments.flatMap((atMs): readonly PlannedCommand[] =>
    ["a", "b"].map((key) => {
      const request = { metadata: { [key]: String(atMs) } };
      return { atMs: atMs + 200, client: 0, command: "aggregateSet", target: 0, request };
    }),
  );
  const parameters = { ...plan.parameters, ...calm, oneVersion: true, storeLatencyMs: 40 };
  return { ...plan, parameters, commands: [limit, rack, ...rows, ...changes], faults: [] };
}

/** A few rows of a plug-in are made by clients of two projects, close to a limit that operators set. */
export function crowdedExtensions(plan: Plan): Plan {
  const few = { extensions: { "acme.signalFlags": 1 } };
  const limit = { atMs: 3_000, client: 0, command: "quotaSet", target: 0, request: few } as const;
  const commands = Array.from({ length: 40 }, (_, index): readonly PlannedCommand[] => {
    const [atMs, target] = [5_000 + index * 900, index];
    return [
      { atMs, client: 0, command: "flagCreate", target },
      { atMs: atMs + 200, client: 1, command: "flagHoist", target },
      { atMs: atMs + 300, client: 1, command: "flagGet", target },
      ...(index % 6 === 5 ? [{ atMs: atMs + 400, client: 0, command: "flagDelete", target } as const] : []),
    ];
  });
  const parameters = { ...plan.parameters, ...calm, oneVersion: true };
  return { ...plan, parameters, commands: [limit, ...commands.flat()], faults: [] };
}

/** Every event is brought to a sink, by controllers that are killed again and again. */
export function sinking(plan: Plan): Plan {
  const faults = Array.from({ length: 12 }, (_, index): PlannedFault => {
    return { atMs: 5_000 + index * 1_300, fault: "killController", target: index, forMs: 300 };
  });
  const parameters = { ...plan.parameters, ...calm, oneVersion: true, sink: true, latencyMs: 30 } as const;
  return { ...plan, parameters, faults };
}

/** Guests that nobody recovers by himself lose their hosts, one after the other, and operators take them. */
export function evacuated(plan: Plan): Plan {
  const request = { recovery: { policy: "leave" } };
  const creates = Array.from({ length: 6 }, (_, index): PlannedCommand => {
    return { atMs: 4_000 + index * 300, client: 0, command: "create", target: index, request };
  });
  const lost = [10_000, 40_000];
  const faults = lost.map(
    (atMs, target): PlannedFault => ({ atMs, fault: "hostAway", target, forMs: 25_000 }),
  );
  const commands = lost.flatMap((atMs) =>
    Array.from({ length: 6 }, (_, target): PlannedCommand => {
      return { atMs: atMs + 15_000 + target * 500, client: 0, command: "evacuate", target };
    }),
  );
  const parameters = { ...plan.parameters, ...calm, oneVersion: true, sharedDisks: "locked" as const };
  return { ...plan, parameters, commands: [...creates, ...commands], faults };
}

/** Instances ask for one of two zones at the moments at which hosts leave them, and come back. */
export function zonesInMotion(plan: Plan): Plan {
  const zones = ["zone-a", "zone-b"];
  const racks = zones.map((availabilityZone, target): PlannedCommand => {
    return { atMs: 3_000, client: 0, command: "aggregateCreate", target, request: { availabilityZone } };
  });
  const moments = Array.from({ length: 12 }, (_, index) => 5_000 + index * 4_000);
  const commands = moments.flatMap((atMs, index): readonly PlannedCommand[] => {
    const target = index % zones.length;
    const request = { host: `h${1 + (index % plan.parameters.hosts)}` };
    const asking = { availabilityZone: zones[target] };
    const create = (afterMs: number, client: number): PlannedCommand => ({
      ...{ atMs: atMs + afterMs, client, command: "create", target: index * 8 + afterMs, request: asking },
    });
    return [
      { atMs, client: 0, command: "hostAdd", target, request },
      { atMs: atMs + 2_000, client: 0, command: "hostRemove", target, request },
      ...[0, 2, 5, 20].map((afterMs, client) => create(2_000 + afterMs, client % 2)),
      { atMs: atMs + 3_000, client: 0, command: "hostAdd", target, request },
      create(3_300, 1),
      { atMs: atMs + 3_700, client: 0, command: "hostRemove", target, request },
    ];
  });
  const parameters = { ...plan.parameters, ...calm, oneVersion: true };
  return { ...plan, parameters, commands: [...racks, ...commands], faults: [] };
}

/** Guests are told much, and started again by controllers that have begun anew. */
export function toldGuests(plan: Plan): Plan {
  const parameters = { ...plan.parameters, ...calm, told: true as const, oneVersion: true, hostVcpus: 12 };
  const userData = btoa("token");
  const commands = plan.commands.map((one) =>
    one.command === "create" ? { ...one, request: { ...one.request, userData } } : one,
  );
  const faults = [10_000, 20_000, 30_000].map(
    (atMs): PlannedFault => ({ atMs, fault: "killController", target: 0, forMs: 500 }),
  );
  return { ...plan, parameters: { ...parameters, controllers: 1 }, commands, faults };
}
