/**
 * A host's credentials in hostile hands: beside the agent, which is what it was, somebody reports in the
 * host's name what is not so. Where that is all that is broken, the agent is started again when it is over,
 * as after a clean-up.
 *
 * It says only what controllers must not take: of a state of the host's own guests, under a generation that
 * can be, nobody could know better than the host.
 */
import { reportLimits } from "../../protocol/limits/report.ts";
import type { Observation } from "../../protocol/machine.ts";
import { reportSubject } from "../../protocol/wire/subjects.ts";
import { encodeUtf8 } from "../../protocol/wire/utf8.ts";
import { cell } from "./cluster.ts";
import { beginHostile, type HostileDeed, type HostileWorld, strangerOf } from "./hostile.ts";
import { nobody } from "./kernel.ts";
import { type LieKind, lieKinds } from "./plan-hostile.ts";
import { Talkative } from "./talkative.ts";

export interface PlannedLies extends Omit<HostileDeed, "who"> {
  /** Which of the hosts. */
  readonly index: number;
  readonly what: LieKind | "mixed";
  /** Observations in one report. */
  readonly observations: number;
}

const lieEveryMs = 400;
/** Long reports take the simulator's own time. */
const longEveryMs = 2_000;
const longKinds: readonly LieKind[] = ["invented", "endless"];
const inventedAtOnce = 20;
const { observedCountMax, observedStepMax } = reportLimits;
const impossibleGenerations = [
  ...[2 * observedStepMax, observedCountMax - 1, observedCountMax],
  Number.MAX_SAFE_INTEGER,
];
const impossibleStates = ["gone", "failed", "stopped", "running", "levitating"] as const;
/** An agent counts on from the number that it is told: it passes the largest whole number soon after this. */
const hugeGeneration = Number.MAX_SAFE_INTEGER - 5;
/** More than an array of a body may have. */
const endlessLength = 25_000;

export function lie(world: HostileWorld, { index, what, observations, ...deed }: PlannedLies): void {
  const { kernel, cluster } = world;
  const hostId = cluster.hosts[index]?.machine.name;
  if (hostId === undefined) return;
  const process = deed.alone ? beginHostile(world, { who: hostId, ...deed }) : strangerOf(world, hostId);
  const bus = cluster.network.connect(process);
  const kinds = what === "mixed" ? lieKinds : [what];
  const talkative = new Talkative(world, hostId, bus);
  const say = async (kind: LieKind): Promise<void> => {
    if (kind === "talkative") return talkative.speak();
    const machines = await machinesOf(kind, { world, hostId, observations, newId: () => process.ids.next() });
    // `stopping`: a host that is silent must not count as heard.
    const body = { complete: false, machines, stopping: true, leaseEpoch: 0 };
    const message = { headers: {}, body: encodeUtf8(JSON.stringify(body)) };
    bus.publish(reportSubject(cell, hostId, "heartbeat"), message);
  };
  for (const kind of kinds) {
    const everyMs = longKinds.includes(kind) ? longEveryMs : lieEveryMs;
    for (let atMs = 0; atMs < deed.forMs; atMs += everyMs)
      kernel.after(process, atMs, "says what is not so", () => void say(kind));
  }
  kernel.after(nobody, deed.forMs, "", () => {
    if (kinds.includes("talkative")) void talkative.measure();
    process.kill();
    if (deed.alone) cluster.startAgent(index, "same");
  });
}

interface Lying {
  readonly world: HostileWorld;
  readonly hostId: string;
  readonly observations: number;
  readonly newId: () => string;
}

async function machinesOf(kind: Exclude<LieKind, "talkative">, lying: Lying): Promise<readonly unknown[]> {
  const { observations, newId } = lying;
  const many = (count: number) => Array.from({ length: count });
  switch (kind) {
    case "impossible":
      return [...impossible(lying), ...many(inventedAtOnce).map(() => observed({ instanceId: newId() }))];
    case "invented":
      return many(observations).map(() => observed({ instanceId: newId() }));
    case "foreign":
      return foreign(lying);
    case "huge":
      return (await seen(lying, true)).map((own) => ({ ...own, generation: hugeGeneration }));
    case "garbage":
      return [...garbage, ...(await seen(lying, true)).flatMap((own) => wrongNumbers(own))];
    case "endless":
      return many(endlessLength).map(() => ({}));
  }
}

/** Of the host's own guests: other states, under generations that cannot be. */
function impossible({ world: { cluster }, hostId }: Lying): readonly unknown[] {
  const host = cluster.hosts.find(({ machine }) => machine.name === hostId);
  return (host?.machine.world.list() ?? []).flatMap(({ instanceId, ownerEpoch }) =>
    impossibleGenerations.flatMap((generation, index) =>
      impossibleStates.map((state) => {
        const own = observed({ instanceId, ownerEpoch, generation, intentGeneration: 1 + (index % 3) });
        return { ...own, state };
      }),
    ),
  );
}

/** Of instances of other hosts: that they ended, under their own epoch and under newer ones. */
async function foreign(lying: Lying): Promise<readonly unknown[]> {
  const others = await seen(lying, false);
  return others.flatMap((other) =>
    (["gone", "stopped", "failed", "running"] as const).flatMap((state) =>
      [0, 1, 1_000].map((more) => ({
        ...{ ...other, state, generation: other.generation + 1_000 },
        ownerEpoch: other.ownerEpoch + more,
      })),
    ),
  );
}

/** The stored observations of the host's own instances, or of those of all other hosts. */
async function seen({ world, hostId }: Lying, own: boolean): Promise<readonly Observation[]> {
  const { rows } = await world.cluster.store.inner.instances.list({ limit: 1_000 });
  return rows.flatMap(({ instance, machine }) => {
    if (machine === undefined || instance.hostId === null || (instance.hostId === hostId) !== own) return [];
    return [observed({ ...pick(machine), instanceId: instance.id })];
  });
}

type Stored = Pick<Observation, "ownerEpoch" | "generation" | "intentGeneration" | "resetCount" | "state">;
const pick = ({ ownerEpoch, generation, intentGeneration, resetCount, state }: Stored): Stored => ({
  ...{ ownerEpoch, generation, intentGeneration, resetCount, state },
});

const observed = (known: Partial<Observation> & Pick<Observation, "instanceId">): Observation => ({
  ...{ ownerEpoch: 1, generation: 1, intentGeneration: 1, resetCount: 0, state: "running" as const },
  ...{ reason: "requested" as const, message: "", address: null, startedAtMs: null, atMs: 0 },
  ...known,
});

const garbage = [null, 7, "observation", [], [[[]]], {}, { instanceId: 5 }, { instanceId: "../.." }];

const wrongNumbers = (own: Observation): readonly unknown[] =>
  [-1, 0.5, 1e308, Number.MAX_SAFE_INTEGER + 1, "12", null].map((generation) => ({ ...own, generation }));
