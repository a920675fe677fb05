/**
 * The part of a plan that is about copies of volumes: of one that was written to, of one that somebody has,
 * two at once, given up on the way, and taken by other instances; beside agents, hosts and controllers that
 * are lost while the bytes are copied. It has a stream of chance of its own. Pure.
 */
import { volumeTarget } from "./plan-volumes.ts";
import type { Random } from "./random.ts";

/** Those of a copy mean the newest copies of a client. */
export const copyCommands = ["volumeCopy", "copyAttach", "copyDetach", "copyDelete"] as const;
export type CopyCommand = (typeof copyCommands)[number];

interface PlannedCopy {
  readonly atMs: number;
  readonly client: number;
  readonly command: CopyCommand | "volumeAttach" | "volumeDetach" | "volumeDelete" | "volumeGrow" | "create";
  readonly target: number;
}

interface PlannedCopyFault {
  readonly atMs: number;
  readonly fault:
    | ("killAgent" | "powerLoss" | "hostAway" | "pauseAgent" | "killController")
    | ("storageHangs" | "sharedFull" | "diskFull");
  readonly target: number;
  readonly forMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

const stories = { taken: 4, twice: 1, held: 2, givenUp: 3, chain: 2, lateSource: 1 } as const;

/** Commands of one client; its volumes were made before. */
export function copiesOf(random: Random, { fromMs, untilMs }: Span): readonly PlannedCopy[] {
  const all = Array.from({ length: random.whole(1, 5) }, () => {
    const atMs = random.between(fromMs + 3_000, untilMs);
    return storyOf(random, atMs);
  }).flat();
  return all.filter(({ atMs }) => atMs < untilMs);
}

function storyOf(random: Random, atMs: number): readonly PlannedCopy[] {
  const gapMs = random.pick([100, 600, 1_500, 4_000] as const);
  const [volume, instance] = [random.whole(0, 2), random.whole(0, 2)];
  const steps = (...commands: readonly (readonly [PlannedCopy["command"], number, number?])[]) =>
    commands.map(([command, at, its = instance]): PlannedCopy => {
      const target = command === "create" ? its : volumeTarget(volume, its, 3 * random.whole(0, 3));
      return { atMs: Math.round(atMs + at * gapMs + random.whole(0, 20)), client: 0, command, target };
    });
  /** A volume that was never opened has no file, and is no source. */
  const written = [["volumeAttach", 0] as const, ["volumeDetach", 3] as const];
  switch (random.weighted(stories)) {
    case "taken":
      return steps(...written, ["volumeCopy", 6], ["copyAttach", 10, instance + 1], ["volumeAttach", 10]);
    case "twice":
      return steps(...written, ["volumeCopy", 6], ["volumeCopy", 6], ["copyDelete", 12]);
    case "held":
      return steps(["volumeAttach", 0], ["volumeCopy", 2], ["volumeDetach", 3], ["volumeCopy", 5.5]);
    case "givenUp":
      return steps(
        ...written,
        ...([
          ["volumeCopy", 6],
          ["copyDelete", 6.3],
          ["volumeDelete", 6.5],
          ["volumeAttach", 8],
        ] as const),
      );
    case "chain":
      return steps(
        ...written,
        ...([
          ["volumeCopy", 6],
          ["copyAttach", 10, instance + 1],
          ["copyDetach", 13],
          ["volumeCopy", 13.5],
          ["copyDelete", 17],
        ] as const),
      );
    case "lateSource":
      return steps(["create", 0], ...written, ["volumeCopy", 6], ["volumeGrow", 6.2], ["copyAttach", 6.4]);
  }
}

/** What happens just when copies are made. */
export function copyFaultsOf(
  random: Random,
  commands: readonly PlannedCopy[],
  { untilMs }: Span,
): readonly PlannedCopyFault[] {
  const moments = commands.filter(({ command }) => command === "volumeCopy");
  const count = moments.length === 0 || random.chance(0.3) ? 0 : random.whole(1, 4);
  return Array.from({ length: count }, (): PlannedCopyFault => {
    const beside = random.pick(moments)?.atMs ?? untilMs;
    const fault = random.weighted({
      ...{ killAgent: 4, powerLoss: 1, hostAway: 2, pauseAgent: 1, killController: 2 },
      ...{ storageHangs: 1, sharedFull: 1, diskFull: 1 },
    });
    return {
      atMs: Math.min(untilMs, Math.round(beside + random.between(0, 1_500))),
      ...{ fault, target: random.whole(0, 30) },
      forMs: Math.round(random.between(100, random.chance(0.7) ? 3_000 : 30_000)),
    };
  });
}
