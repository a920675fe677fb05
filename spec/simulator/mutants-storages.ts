/** Guards of room on storages that hosts share, and how each is switched off. */
import { evacuated, type Mutant } from "./mutants-plans.ts";
import type { Plan, PlannedCommand, PlannedFault } from "./plan.ts";
import { allHosts } from "./plan-disturbances.ts";

/** The storage has room for a few disks, of instances that are moved when they are not deleted. */
function scarceStorage(plan: Plan): Plan {
  const { parameters } = evacuated(plan);
  const creates = Array.from({ length: 8 }, (_, target): PlannedCommand => {
    return { atMs: 4_000 + target * 400, client: target % 2, command: "create", target };
  });
  const again = Array.from({ length: 6 }, (_, index): readonly PlannedCommand[] => [
    { atMs: 15_000 + index * 700, client: 0, command: "delete", target: index },
    { atMs: 25_000 + index * 700, client: 1, command: "create", target: index + 20 },
  ]).flat();
  const away: PlannedFault = { atMs: 10_000, fault: "hostAway", target: 0, forMs: 25_000 };
  const scarce = { ...parameters, hosts: 3, hostVcpus: 12, sharedGib: 4 };
  return { ...plan, parameters: scarce, commands: [...creates, ...again], faults: [away] };
}

/** Little is free on every host for longer than any choice takes, and all the time something new is made. */
function lowOnDisk(plan: Plan): Plan {
  const { parameters } = plan;
  const sound = { lost: 0, doubled: 0, late: 0, refused: 0, hang: 0, rolledBack: 0, answerLost: 0, slow: 0 };
  const creates = Array.from({ length: 24 }, (_, target): PlannedCommand => {
    return { atMs: 4_000 + target * 6_000, client: target % 2, command: "create", target };
  });
  const low: PlannedFault = { atMs: 20_000, fault: "disksLow", target: allHosts, forMs: 110_000 };
  const disks = parameters.sharedDisks === undefined ? { ownDisks: true as const } : {};
  const roomy = {
    ...parameters,
    ...disks,
    ...sound,
    hosts: 3,
    hostVcpus: 12,
    sharedGib: 100,
    oneVersion: true as const,
  };
  return { ...plan, parameters: roomy, commands: creates, faults: [low], faultyMs: 160_000 };
}

export const storageMutants: readonly Mutant[] = [
  {
    name: "storage-unjudged",
    promise: "I3",
    file: "db/rules/storage/memory.ts",
    find: "if (taken === undefined || taken.diskGibClaimed + wanted > taken.diskGib)",
    replace: "if (taken === undefined)",
    guard: "No disk is placed on a storage beyond what that has, whichever hosts share it.",
    shape: scarceStorage,
  },
  {
    name: "storage-kept",
    promise: "I3",
    file: "db/rules/storage/memory.ts",
    find: "if (given !== undefined) giveBack({ tables, journal }, given, before?.flavor.diskGib ?? 0);",
    replace: "",
    guard: "A disk of which nothing is left gives its room back.",
    shape: scarceStorage,
  },
  {
    name: "disk-room-unasked",
    promise: "I3",
    file: "actors/control/scheduler/filters/disk-room.ts",
    find: "if (found === undefined) return true;",
    replace: "if (found === undefined || found.leftMib >= 0) return true;",
    guard: "No new disk is placed where a host says that too little is free.",
    shape: lowOnDisk,
  },
];
