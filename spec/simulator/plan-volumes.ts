/**
 * The part of a plan that is about volumes: made empty and from an image, on shared storage and on hosts' own
 * disks; attached, extended and detached while guests run and while they do not; many at one instance, one
 * wanted by many at once, and deleted with instances; beside hosts that are lost, agents that are killed,
 * guests that give nothing back, and storage that hangs or is full. The part has a stream of chance of its
 * own. Pure.
 */
import type { Random } from "./random.ts";

export const volumeCommands = [
  "volumeCreate",
  "volumeAttach",
  "volumeDetach",
  "volumeExtend",
  "volumeGrow",
  "volumeDelete",
  "volumeList",
] as const;
export type VolumeCommand = (typeof volumeCommands)[number];

/**
 * Guests that give back no volume, guests that write what a disk has no room for, and guests that give back
 * what nobody has asked them for.
 */
export const guestVolumeFaults = ["guestClings", "guestFills", "guestEjects"] as const;

interface PlannedVolume {
  readonly atMs: number;
  readonly client: number;
  readonly command: VolumeCommand | "create" | "delete" | "start" | "stopHard" | "pause" | "unpause";
  readonly target: number;
}

interface PlannedVolumeFault {
  readonly atMs: number;
  readonly fault:
    | (typeof guestVolumeFaults)[number]
    | ("killAgent" | "powerLoss" | "hostAway" | "pauseAgent" | "isolate" | "hostFenced")
    | ("storageHangs" | "sharedFull" | "diskFull" | "killController");
  readonly target: number;
  readonly forMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** Targets say which volume of a client is meant, and which of its instances. */
export const volumeTarget = (volume: number, instance: number, how = 0): number =>
  (how * instancesAround + (instance % instancesAround)) * volumesAround + (volume % volumesAround);
export const meantBy = (target: number) => ({
  volume: target % volumesAround,
  instance: Math.floor(target / volumesAround) % instancesAround,
  how: Math.floor(target / (volumesAround * instancesAround)),
});
const [volumesAround, instancesAround, hows] = [6, 3, 12];

/** Each client has instances and volumes at first; then stories of volumes, some at the same moments. */
export function volumesOf(random: Random, span: Span): readonly PlannedVolume[] {
  const stories = random.whole(5, 24);
  // Some runs are about one volume.
  const volumesMax = random.chance(0.3) ? 0 : random.whole(1, volumesAround - 1);
  const clients = Math.min(span.clients, random.whole(1, 2));
  const first = Array.from({ length: clients }, (_, client): readonly PlannedVolume[] => [
    ...Array.from({ length: random.whole(2, instancesAround) }, (_each, target): PlannedVolume => {
      return { atMs: span.fromMs + 100 * target, client, command: "create", target };
    }),
    ...Array.from({ length: volumesMax + 1 + random.whole(0, 2) }, (_each, volume): PlannedVolume => {
      const target = volumeTarget(volume, 0, random.whole(0, hows));
      return { atMs: span.fromMs + 50 + 100 * volume, client, command: "volumeCreate", target };
    }),
  ]).flat();
  const later = Array.from({ length: stories }, () => {
    const atMs = Math.round(random.between(span.fromMs + 2_000, span.untilMs));
    const about = { client: random.whole(0, clients - 1), volume: random.whole(0, volumesMax) };
    return storyOf(random, { ...about, atMs, instance: random.whole(0, instancesAround - 1) });
  }).flat();
  return [...first, ...later.filter(({ atMs }) => atMs < span.untilMs)];
}

interface Story {
  readonly atMs: number;
  readonly client: number;
  readonly volume: number;
  readonly instance: number;
}

const stories = {
  ...{ life: 4, race: 3, many: 1, cold: 2, terminated: 2, deleted: 2, handedOn: 3, paused: 1, looked: 1 },
} as const;

function storyOf(random: Random, { atMs, client, volume, instance }: Story): readonly PlannedVolume[] {
  const gapMs = random.pick([100, 700, 2_000, 8_000] as const);
  const steps = (...commands: readonly (readonly [PlannedVolume["command"], number, number?])[]) =>
    commands.map(([command, at, its = instance]): PlannedVolume => {
      const target = isOfVolume(command) ? volumeTarget(volume, its, random.whole(0, hows)) : its;
      return { atMs: Math.round(atMs + at * gapMs + random.whole(0, 20)), client, command, target };
    });
  const wanted = (at: number) => [0, 1, 2].map((more) => ["volumeAttach", at, instance + more] as const);
  switch (random.weighted(stories)) {
    case "life":
      return steps(
        ["create", 0],
        ["volumeAttach", 2],
        ["volumeExtend", 3],
        ["volumeDetach", 4],
        [...(["volumeGrow", 6] as const)],
      );
    case "race":
      return steps(...wanted(0), ["volumeDetach", 1], ...wanted(1.1), ...wanted(2), ["volumeDetach", 4]);
    case "many":
      return (["volumeAttach", "volumeDetach"] as const).flatMap((command, round) =>
        Array.from({ length: volumesAround }, (_, more): PlannedVolume => {
          const target = volumeTarget(volume + more, instance, random.whole(0, hows));
          const ms = (more + round * (volumesAround + 2)) * gapMs;
          return { atMs: Math.round(atMs + ms), client, command, target };
        }),
      );
    case "cold":
      return steps(
        ["stopHard", 0],
        ["volumeAttach", 1],
        ["volumeExtend", 2],
        ["start", 3],
        [...(["volumeDetach", 5] as const)],
      );
    case "terminated":
      return steps(["volumeAttach", 0], ["delete", 2], ["create", 3], ["volumeCreate", 3]);
    case "deleted":
      return steps(["volumeDetach", 0], ["volumeDelete", 1], ["volumeDelete", 3], ["volumeCreate", 4]);
    case "handedOn":
      return steps(
        ["volumeAttach", 0],
        ["volumeDetach", 2],
        [...(["volumeAttach", 3, instance + 1] as const)],
        ["volumeDetach", 6],
      );
    case "paused":
      return steps(
        ["volumeAttach", 0],
        ["pause", 1],
        ["volumeDetach", 2],
        ["unpause", 3],
        [...(["volumeDetach", 4] as const)],
      );
    case "looked":
      return steps(
        ["volumeList", 0],
        ["volumeAttach", 1],
        ["volumeList", 1.1],
        ["volumeDetach", 2],
        [...(["volumeList", 2] as const)],
      );
  }
}

const isOfVolume = (command: PlannedVolume["command"]): command is VolumeCommand =>
  volumeCommands.some((one) => one === command);

/** What happens to hosts, guests and storage just when volumes come and go. */
export function volumeFaultsOf(
  random: Random,
  commands: readonly Pick<PlannedVolume, "atMs">[],
  { untilMs }: Pick<Span, "untilMs">,
): readonly PlannedVolumeFault[] {
  return Array.from({ length: random.chance(0.3) ? 0 : random.whole(1, 6) }, (): PlannedVolumeFault => {
    const beside = random.pick(commands)?.atMs ?? untilMs;
    const fault = random.weighted({
      ...{ guestClings: 3, guestFills: 1, killAgent: 3, powerLoss: 1, hostAway: 2, pauseAgent: 1 },
      ...{ isolate: 1, hostFenced: 1, storageHangs: 2, sharedFull: 1, diskFull: 1, killController: 1 },
    });
    return {
      atMs: Math.min(untilMs, Math.round(beside + random.between(0, 2_500))),
      ...{ fault, target: random.whole(0, 30) },
      forMs: Math.round(random.between(200, random.chance(0.5) ? 3_000 : 45_000)),
    };
  });
}

/** Guests that give back a volume just when others come and go; of their own stream of chance. */
export function ejectionsOf(
  random: Random,
  commands: readonly Pick<PlannedVolume, "atMs">[],
  { untilMs }: Pick<Span, "untilMs">,
): readonly PlannedVolumeFault[] {
  return Array.from({ length: random.chance(0.5) ? 0 : random.whole(1, 4) }, (): PlannedVolumeFault => {
    const beside = random.pick(commands)?.atMs ?? untilMs;
    const atMs = Math.min(untilMs, Math.round(beside + random.between(0, 4_000)));
    return { atMs, fault: "guestEjects", target: random.whole(0, 30), forMs: 1 };
  });
}
