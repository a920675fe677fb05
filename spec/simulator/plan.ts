/**
 * What one run is about, as data: how large the cluster is, how bad the world, who asks for what, and which
 * faults come when. A seed makes one (it draws its own parameters, so that runs differ in kind); a scenario
 * writes one down; minimizing leaves parts of one out. Pure.
 */

import { bootFaultsOf, bootsOf } from "./plan-boot-volumes.ts";
import {
  actorFaultsOf,
  disturbances,
  fullDisksOf,
  hangsOf,
  liesOf,
  loopFaultsOf,
  lowDisksOf,
  removalsOf,
  writerFaultsOf,
} from "./plan-disturbances.ts";
import { editCommands, editsOf } from "./plan-edits.ts";
import { apartFrom, calmed, type HostileWhat, hostileDeeds, hostileOf } from "./plan-hostile.ts";
import { instanceImageCommands, instanceImageFaultsOf, instanceImagesOf } from "./plan-instance-images.ts";
import { numaNodesOf, type Parameters, type PlanSize, parametersOf } from "./plan-parameters.ts";
import { reachedMs, reachedOf } from "./plan-reached.ts";
import {
  evacuationsOf,
  type PlannedRequest,
  surroundingCommands,
  surroundingsOf,
} from "./plan-surroundings.ts";
import { takesUploads, uploadCommands, uploadFaults, uploadFaultsOf, uploadsOf } from "./plan-uploads.ts";
import { copiesOf, copyFaultsOf } from "./plan-volume-copies.ts";
import { ejectionsOf, guestVolumeFaults, volumeFaultsOf, volumesOf } from "./plan-volumes.ts";
import { Random } from "./random.ts";

export const ordinaryCommands = [
  "create",
  "start",
  "stop",
  "stopHard",
  "reboot",
  "rebootHard",
  "pause",
  "unpause",
  "delete",
  "foreign",
  "repeat",
  "get",
  "list",
] as const;
export type OrdinaryCommand = (typeof ordinaryCommands)[number];
export const commandKinds = [
  ...ordinaryCommands,
  ...editCommands,
  ...surroundingCommands,
  ...uploadCommands,
  ...instanceImageCommands,
] as const;
export type CommandKind = (typeof commandKinds)[number];

export interface PlannedCommand {
  readonly atMs: number;
  readonly client: number;
  readonly command: CommandKind;
  /** Which of the client's instances, counted from the oldest, around and around. */
  readonly target: number;
  readonly wait?: boolean;
  readonly count?: number;
  readonly timeoutMs?: number;
  /** More fields of the request, sent as they are. */
  readonly request?: PlannedRequest;
  /** Which of the client's instances a new one shall share a host with, or not share one with. */
  readonly near?: number;
  readonly apart?: number;
}

export const faultKinds = [
  "killController",
  "killAgent",
  "pauseController",
  "pauseAgent",
  "powerLoss",
  "isolate",
  "cut",
  "busDown",
  "streamWiped",
  "storeDown",
  "diskFull",
  "guestDies",
  "guestShutsDown",
  "guestPanics",
  "guestPauses",
  "clockJump",
  "hostDisabled",
  "agentStops",
  "guardDies",
  "hostAway",
  "hostDrained",
  "hostFenced",
  ...disturbances,
  ...hostileDeeds,
  ...uploadFaults,
  ...guestVolumeFaults,
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface PlannedFault {
  readonly atMs: number;
  readonly fault: FaultKind;
  /** Which of the controllers, hosts or guests, around and around. */
  readonly target: number;
  /** Until it is over; of a kill: until the process is started again. */
  readonly forMs: number;
  /**
   * The other end of a cut; the size of a jump in ms; by how much answers are late at most; how much of it
   * somebody hostile says.
   */
  readonly other?: number;
  /** Kind of messages of a flood, or of lies of a host. */
  readonly what?: HostileWhat;
  /**
   * Of `actorCrash`: in the turn of which kind of message, absent the next; of `loopBreaks` and `loopHangs`:
   * in a round of which loop; and how often, absent once.
   */
  readonly message?: string;
  readonly times?: number;
}

export interface Plan {
  readonly seed: string;
  readonly parameters: Parameters;
  readonly commands: readonly PlannedCommand[];
  readonly faults: readonly PlannedFault[];
  /** Faults stop here. */
  readonly faultyMs: number;
}

/** Before anything happens the cluster comes up. */
export const setUpMs = 3_000;
/** After the faults everything has so long to come to rest: longer than any deadline. */
export const liveMsMax = 900_000;

export function planOf(seed: string, size: PlanSize = {}): Plan {
  const random = new Random(seed);
  const isReached = random.fork("is reached").chance(0.25);
  const drawn = {
    ...parametersOf(random.fork("parameters"), size),
    ...numaNodesOf(random.fork("cells")),
    ...(random.fork("told").chance(0.2) ? { told: true as const, oneVersion: true } : {}),
    // Only then hosts have networks.
    ...(random.fork("one version").chance(isReached ? 0.86 : 0.3) ? { oneVersion: true } : {}),
    ...(random.fork("batched").chance(0.5) ? { batched: true as const } : {}),
    ...(random.fork("sink").chance(0.3) ? { sink: true as const } : {}),
    ...(random.fork("pulled images").chance(0.4) ? { pulledImages: true as const } : {}),
    ...(random.fork("lying peers").chance(0.3) ? { lyingPeers: true as const } : {}),
    ...(random.fork("uploads").chance(0.5) ? { uploads: true as const } : {}),
  };
  const mayBeVolumed = drawn.oneVersion === true && size.volumes !== false;
  const isVolumed = mayBeVolumed && random.fork("volumed").chance(0.5);
  const seconds = size.seconds ?? random.fork("length").whole(20, 90);
  const faultyMs = setUpMs + seconds * 1_000;
  const away = awayOf(random.fork("away"), faultyMs);
  const span = { fromMs: setUpMs, untilMs: faultyMs };
  const hostile = hostileOf(random.fork("hostile"), { ...drawn, fromMs: setUpMs, untilMs: faultyMs });
  const outside = random.fork("outside volumes");
  const volumed = {
    volumes: true as const,
    ...(outside.chance(0.5) ? { outsideGib: outside.whole(8, 120) } : {}),
  };
  const hasLocalDisks = drawn.oneVersion === true && random.fork("local disks").chance(0.3);
  const parameters = {
    ...calmed(drawn, hostile),
    ...(isVolumed ? volumed : {}),
    ...(hasLocalDisks ? { localDisks: true as const } : {}),
  };
  const about = { ...span, clients: parameters.clients };
  const volumes = isVolumed ? volumesOf(random.fork("volumes"), about) : [];
  const isCopied = isVolumed && random.fork("copied").chance(0.5);
  const copies = isCopied ? copiesOf(random.fork("volume copies"), span) : [];
  const isBooted = isVolumed && random.fork("booted").chance(0.5);
  const boots = isBooted ? bootsOf(random.fork("boot volumes"), span) : [];
  const isCopiedFrom = takesUploads(parameters) && random.fork("instance images").chance(0.5);
  const instanceImages = isCopiedFrom ? instanceImagesOf(random.fork("images of instances"), span) : [];
  const commands = [
    ...surrounded(random.fork("surroundings"), {
      ...{ parameters, faultyMs },
      ordinary: commandsOf(random.fork("commands"), { parameters, faultyMs, size }),
    }),
    // What is asked for after the last fault would meet a cluster that is being judged.
    ...evacuationsOf(random.fork("evacuations"), away).filter(({ atMs }) => atMs < faultyMs),
    ...editsOf(random.fork("edits"), about),
    ...(isReached ? reachedOf(random.fork("reached"), about) : []),
    ...(takesUploads(parameters) ? uploadsOf(random.fork("upload commands"), about) : []),
    ...volumes,
    ...copies,
    ...boots,
    ...instanceImages,
  ];
  const faults = [
    ...faultsOf(random.fork("faults"), parameters, faultyMs),
    ...away,
    ...drainsOf(random.fork("drains"), faultyMs),
    ...longDrainsOf(random.fork("long drains"), faultyMs),
    ...fencesOf(random.fork("fences"), faultyMs),
    ...actorFaultsOf(random.fork("actor faults"), span),
    ...writerFaultsOf(random.fork("writer faults"), span),
    ...hangsOf(random.fork("hangs"), span),
    ...fullDisksOf(random.fork("full disks"), span),
    ...lowDisksOf(random.fork("low disks"), span),
    ...liesOf(random.fork("lies"), span),
    ...loopFaultsOf(random.fork("loop faults"), span),
    ...(takesUploads(parameters) ? uploadFaultsOf(random.fork("upload faults"), span) : []),
    ...(isVolumed ? volumeFaultsOf(random.fork("volume faults"), volumes, span) : []),
    ...(isCopied ? copyFaultsOf(random.fork("copy faults"), copies, span) : []),
    ...(isBooted ? bootFaultsOf(random.fork("boot faults"), boots, span) : []),
    ...instanceImageFaultsOf(random.fork("instance image faults"), instanceImages, span),
    ...(isVolumed ? ejectionsOf(random.fork("ejections"), volumes, span) : []),
    // Whoever removes the last host of a zone has taken it from those who asked for it.
    ...(commands.some(({ command }) => command === "hostAdd")
      ? []
      : removalsOf(random.fork("removals"), span)),
  ];
  const calmMs = isReached ? setUpMs + reachedMs : 0;
  const all = [...apartFrom(hostile, faults), ...hostile].filter(({ atMs }) => atMs >= calmMs);
  return { seed, parameters, commands: inOrder(commands), faults: inOrder(all), faultyMs };
}

const inOrder = <T extends { readonly atMs: number }>(list: T[]): readonly T[] =>
  list.sort((a, b) => a.atMs - b.atMs);

/** The commands with all that surrounds instances: wishes of creates, groups, quotas, zones, races. */
function surrounded(
  random: Random,
  { ordinary, parameters, faultyMs }: Surrounded,
): readonly PlannedCommand[] {
  const { clients, hosts } = parameters;
  const span = { fromMs: setUpMs, untilMs: faultyMs, clients, hosts };
  const { commands, wish, races } = surroundingsOf(random, span);
  const told = random.fork("told");
  const wishing = ordinary.map((command) => {
    if (command.command !== "create") return command;
    const { request, ...wished } = wish();
    const all = { ...request, ...(parameters.told === true ? toldOf(told) : {}) };
    return { ...command, ...wished, ...(Object.keys(all).length === 0 ? {} : { request: all }) };
  });
  const raced = races.map(({ atMs, client, wished }, target): PlannedCommand => {
    return { atMs, client, command: "create", target, ...wished };
  });
  return [...wishing, ...commands, ...raced];
}

/** What some guests shall be told about themselves. */
function toldOf(random: Random): PlannedRequest {
  const userData = random.chance(0.6) ? { userData: btoa(`token ${random.whole(0, 99)}`) } : {};
  const hostname = random.chance(0.3) ? { hostname: `host-${random.whole(0, 9)}` } : {};
  return { ...userData, ...hostname, ...(random.chance(0.2) ? { configDrive: random.chance(0.7) } : {}) };
}

interface Surrounded {
  readonly ordinary: readonly PlannedCommand[];
  readonly parameters: Parameters;
  readonly faultyMs: number;
}

interface CommandsOptions {
  readonly parameters: Parameters;
  readonly faultyMs: number;
  readonly size: PlanSize;
}

function commandsOf(
  random: Random,
  { parameters, faultyMs, size }: CommandsOptions,
): readonly PlannedCommand[] {
  const weights = Object.fromEntries(
    ordinaryCommands.map((kind) => [kind, random.chance(0.8) ? random.between(0.2, 2) : 0.05]),
  ) as Record<OrdinaryCommand, number>;
  weights.create = size.instances === undefined ? random.between(1, 4) : 3;
  const count = size.instances === undefined ? random.whole(10, 60) : size.instances * 3;
  // Some runs are all about a few instances, and about commands that come together.
  const targetMax = random.chance(0.4) ? random.whole(0, 2) : 30;
  const bursts = random.chance(0.3) ? random.whole(1, 5) : 0;
  const moments = Array.from({ length: bursts }, () => random.between(setUpMs, faultyMs));
  const momentOf = () => (random.pick(moments) ?? random.between(setUpMs, faultyMs)) + random.between(0, 300);
  const commands = Array.from({ length: count }, (): PlannedCommand => {
    const command = random.weighted(weights);
    return {
      atMs: Math.round(momentOf()),
      client: random.whole(0, parameters.clients - 1),
      command,
      target: random.whole(0, targetMax),
      ...(random.chance(0.3) ? { wait: true } : {}),
      ...(command === "create" && random.chance(0.1) ? { count: random.whole(2, 4) } : {}),
      ...(command === "stop" ? { timeoutMs: random.pick([1_000, 10_000, 60_000]) } : {}),
    };
  });
  return commands.sort((a, b) => a.atMs - b.atMs);
}

/** Faults with random streams of their own: adding a kind leaves the other draws of a seed unchanged. */
const extraordinary: readonly FaultKind[] = [
  ...(["guardDies", "hostAway", "hostDrained", "hostFenced"] as const),
  ...disturbances,
  ...hostileDeeds,
  ...uploadFaults,
  ...guestVolumeFaults,
];
const ordinaryFaults = faultKinds.filter((kind) => !extraordinary.includes(kind));

/** Hosts that are away for longer than any lease, in all the ways there are; and guards that die. */
function awayOf(random: Random, faultyMs: number): readonly PlannedFault[] {
  const count = random.chance(0.4) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (): PlannedFault => {
    const fault = random.weighted({ hostAway: 3, isolate: 2, pauseAgent: 2, killAgent: 2, guardDies: 1 });
    return {
      atMs: Math.round(random.between(setUpMs, faultyMs)),
      fault,
      target: random.whole(0, 30),
      forMs: Math.round(random.between(5_000, 60_000)),
    };
  });
}

/** Hosts that are emptied, and taken into service again before or after they are. */
function drainsOf(random: Random, faultyMs: number): readonly PlannedFault[] {
  const count = random.chance(0.7) ? 0 : random.whole(1, 3);
  return Array.from(
    { length: count },
    (): PlannedFault => ({
      atMs: Math.round(random.between(setUpMs, faultyMs)),
      fault: "hostDrained",
      target: random.whole(0, 30),
      forMs: Math.round(random.between(1_000, 60_000)),
    }),
  );
}

/** Drains that end before the host is enabled again, some of them overtaken by another one. */
function longDrainsOf(random: Random, faultyMs: number): readonly PlannedFault[] {
  if (random.chance(0.8)) return [];
  const atMs = Math.round(random.between(setUpMs, faultyMs));
  const [target, forMs] = [random.whole(0, 30), Math.round(random.between(60_000, 180_000))];
  const first: PlannedFault = { atMs, fault: "hostDrained", target, forMs };
  return random.chance(0.5) ? [first] : [first, { ...first, atMs: atMs + random.whole(1, 5_000) }];
}

/** Hosts that operators fence by their power, whether something was wrong with them or not. */
function fencesOf(random: Random, faultyMs: number): readonly PlannedFault[] {
  const count = random.chance(0.85) ? 0 : random.whole(1, 2);
  return Array.from({ length: count }, (): PlannedFault => {
    const atMs = Math.round(random.between(setUpMs, faultyMs));
    return { atMs, fault: "hostFenced", target: random.whole(0, 30), forMs: 0 };
  });
}

function faultsOf(random: Random, parameters: Parameters, faultyMs: number): readonly PlannedFault[] {
  const weights = Object.fromEntries(
    ordinaryFaults.map((kind) => [kind, random.chance(0.5) ? random.between(0.2, 1) : 0.01]),
  ) as Record<FaultKind, number>;
  const count = random.chance(0.1) ? 0 : random.whole(1, 14 + parameters.hosts);
  const faults = Array.from({ length: count }, (): PlannedFault => {
    const fault = random.weighted(weights);
    const forMs = random.chance(0.5) ? random.between(50, 4_000) : random.between(4_000, 40_000);
    return {
      atMs: Math.round(random.between(setUpMs, faultyMs)),
      fault,
      target: random.whole(0, 30),
      forMs: Math.round(forMs),
      ...(fault === "cut" ? { other: random.whole(0, 30) } : {}),
      ...(fault === "clockJump" ? { other: random.whole(-3_600_000, 3_600_000) } : {}),
    };
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}
