/** Guards of volumes, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, type PlannedCommand, type PlannedFault, setUpMs } from "./plan.ts";
import { volumesOf, volumeTarget } from "./plan-volumes.ts";
import { Random } from "./random.ts";

/** Volumes of a few instances, on storage that hosts share, while little else happens. */
function volumed(plan: Plan): Plan {
  const { parameters, faultyMs: untilMs, seed } = plan;
  const span = { fromMs: setUpMs, untilMs, clients: parameters.clients };
  const commands = [...volumesOf(new Random(seed).fork("volumes of a mutant"), span)];
  const roomy = { hosts: 3, hostVcpus: 12, sharedGib: 100, sharedDisks: "unlocked" as const };
  const alone = { oneVersion: true, volumes: true as const };
  return {
    ...plan,
    parameters: { ...parameters, ...calm, ...roomy, ...alone },
    commands: commands.sort((a, b) => a.atMs - b.atMs),
    faults: [],
  };
}

/** One volume goes from guest to guest, and no guest gives it back. */
function clinging(plan: Plan): Plan {
  const { parameters } = volumed(plan);
  const ask = (atMs: number, command: PlannedCommand["command"], target: number): PlannedCommand => {
    return { atMs, client: 0, command, target };
  };
  const made = [0, 1, 2].map((target) => ask(setUpMs + 100 * target, "create", target));
  const handed = [0, 1, 2, 0, 1].flatMap((instance, round) => {
    const atMs = 8_000 + round * 12_000;
    const target = volumeTarget(0, instance, 3);
    return [ask(atMs, "volumeAttach", target), ask(atMs + 6_000, "volumeDetach", target)];
  });
  const faults = [0, 1, 2].map(
    (target): PlannedFault => ({ atMs: 7_000, fault: "guestClings", target, forMs: 55_000 }),
  );
  const commands = [...made, ask(setUpMs + 500, "volumeCreate", 0), ...handed];
  return { ...plan, parameters, commands, faults, faultyMs: 70_000 };
}

/** One volume goes with its instance, another one stays, goes to the next one, and is deleted. */
function outliving(plan: Plan): Plan {
  const { parameters } = volumed(plan);
  const [goes, stays] = [volumeTarget(0, 0, 1), volumeTarget(1, 0, 2)];
  const steps: readonly (readonly [number, PlannedCommand["command"], number])[] = [
    [3_000, "create", 0],
    [3_500, "volumeCreate", 0],
    [4_500, "volumeCreate", 1],
    [9_000, "volumeAttach", goes],
    [14_000, "volumeAttach", stays],
    [22_000, "delete", 0],
    [25_000, "create", 1],
    [32_000, "volumeAttach", stays],
    [38_000, "volumeDetach", stays],
    [44_000, "volumeDelete", stays],
  ];
  const commands = steps.map(([atMs, command, target]): PlannedCommand => {
    return { atMs, client: 0, command, target };
  });
  return { ...plan, parameters, commands, faults: [], faultyMs: 50_000 };
}

/** A guest gives back its one volume by itself, and no command follows. */
function ejecting(plan: Plan): Plan {
  const { parameters } = volumed(plan);
  const steps: readonly (readonly [number, PlannedCommand["command"], number])[] = [
    [3_000, "create", 0],
    [3_500, "volumeCreate", 0],
    [9_000, "volumeAttach", volumeTarget(0, 0, 3)],
  ];
  const commands = steps.map(([atMs, command, target]): PlannedCommand => {
    return { atMs, client: 0, command, target };
  });
  const faults: readonly PlannedFault[] = [{ atMs: 25_000, fault: "guestEjects", target: 0, forMs: 1 }];
  return { ...plan, parameters, commands, faults, faultyMs: 26_000 };
}

export const volumeMutants: readonly Mutant[] = [
  {
    name: "volume-won-twice",
    promise: "V1",
    file: "actors/control/instance/volume-rows.ts",
    find: "const whereHas = { project, instanceId: null, epoch: epoch - 1, sizeGib, storageId, made };",
    replace: "const whereHas = { project };",
    guard: "Of those who want a volume at the same moment one gets it.",
    shape: volumed,
  },
  {
    name: "volume-detach-believed",
    promise: "V1",
    file: "actors/control/instance/volumes.ts",
    find: 'return seen.volumes !== undefined && (there === undefined || there.state === "dead");',
    replace: "return seen.volumes !== undefined;",
    guard: "A volume is held until its host says that its process has it closed.",
    shape: clinging,
  },
  {
    name: "volume-dead-kept",
    promise: "V2",
    file: "actors/control/instance/volumes.ts",
    find: '(there === undefined || there.state === "dead")',
    replace: "there === undefined",
    guard: "A device that the guest keeps, and whose file is closed, holds no volume.",
    shape: clinging,
  },
  {
    name: "volume-ejected-unheard",
    promise: "V2",
    file: "actors/node/machine/guest.ts",
    find: 'if (event === "ejected") return onEjected(machine, deed.place);',
    replace: 'if (event === "ejected") return machine;',
    guard: "What a guest has given back that it is to have is given to it anew.",
    shape: ejecting,
  },
  {
    name: "volume-left-unlisted",
    promise: "V3",
    file: "actors/control/instance/volume-rows.ts",
    find: "return [freed, { resource: volume, removed: id }, rowMade(deletedVolume, left)];",
    replace: "return [freed, { resource: volume, removed: id }];",
    guard: "A volume that goes with its instance is listed until its file is gone.",
    shape: outliving,
  },
  {
    name: "volume-epoch-kept",
    promise: "V3",
    file: "actors/control/instance/revolume.ts",
    find: "epoch: volume.epoch + 1",
    replace: "epoch: volume.epoch",
    masked: {
      file: "actors/control/instance/volume-rows.ts",
      find: "epoch: epoch - 1, sizeGib, storageId, made }",
      replace: "epoch, sizeGib, storageId, made }",
    },
    guard: "Each attachment raises the epoch of its volume, by which it is known that there may be a file.",
    shape: outliving,
  },
  {
    name: "volume-goes-anyway",
    promise: "V9",
    file: "actors/control/instance/volumes.ts",
    find: 'desired === "deleted" && volume.deleteOnTermination && !isLeavingVolume(volume);',
    replace: 'desired === "deleted" && !isLeavingVolume(volume);',
    guard: "A volume goes with its instance only if it was to.",
    shape: outliving,
  },
];
