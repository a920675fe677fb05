/** Guards of copies of volumes, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, type PlannedCommand, setUpMs } from "./plan.ts";
import { copiesOf } from "./plan-volume-copies.ts";
import { volumeTarget } from "./plan-volumes.ts";
import { Random } from "./random.ts";

/** Three guests hand on three volumes, of which copies are made all the time; nothing else happens. */
function copying(plan: Plan): Plan {
  const { parameters, seed } = plan;
  const random = new Random(seed).fork("copies of a mutant");
  const first = [0, 1, 2].flatMap((which): readonly PlannedCommand[] => [
    { atMs: setUpMs + 100 * which, client: 0, command: "create", target: which },
    {
      atMs: setUpMs + 150 + 100 * which,
      client: 0,
      command: "volumeCreate",
      target: volumeTarget(which, 0, 0),
    },
  ]);
  const untilMs = 60_000;
  const copies = [0, 1, 2].flatMap((time) =>
    copiesOf(random.fork(`commands ${time}`), { fromMs: setUpMs + 4_000, untilMs }),
  );
  const roomy = { controllers: 2, hosts: 2, hostVcpus: 20, driverLatencyMs: 5, startMs: 50 };
  const alone = {
    sharedDisks: "unlocked" as const,
    sharedGib: 100,
    oneVersion: true,
    volumes: true as const,
  };
  return {
    ...plan,
    parameters: { ...parameters, ...calm, ...roomy, ...alone },
    commands: [...first, ...copies].sort((a, b) => a.atMs - b.atMs),
    ...{ faults: [], faultyMs: untilMs },
  };
}

export const volumeCopyMutants: readonly Mutant[] = [
  {
    name: "volume-copy-of-free",
    promise: "V13",
    file: "actors/control/catalog/volumes/copied-volumes.ts",
    find: "const set = { instanceId: copy.id, epoch: epoch + 1 };",
    replace: "const set = { instanceId: null, epoch: epoch + 1 };",
    guard: "Nobody has a volume that is being copied.",
    shape: copying,
  },
  {
    name: "volume-copy-held-on",
    promise: "V13",
    file: "actors/control/catalog/volumes/copied-volumes.ts",
    find: "instanceId === null ? [] : [freed(instanceId, id), rowRemoved(volumeCopy, { id })];",
    replace: "instanceId === null ? [] : [rowRemoved(volumeCopy, { id })];",
    guard: "Whoever deletes a copy that is still to be made frees its source.",
    shape: copying,
  },
  {
    name: "volume-copy-unasked",
    promise: "V13",
    file: "actors/control/catalog/volumes/volume-sweeper.ts",
    find: "copies = await copyVolumes(options, { log, ...one });",
    replace: "copies = 0;",
    guard: "A copy that is to be made is asked for until it is there.",
    shape: copying,
  },
  {
    name: "volume-copy-empty",
    promise: "V9",
    file: "actors/node/host/volume-copies.ts",
    find: 'const wanted = { epoch: copy.epoch, sizeBytes, source: { kind: "volume", ...source } } as const;',
    replace: "const wanted = { epoch: copy.epoch, sizeBytes } as const;",
    guard: "A copy has what its source has.",
    shape: copying,
  },
];
