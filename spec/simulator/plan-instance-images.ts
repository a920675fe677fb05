/**
 * The part of a plan that is about images of instances: of guests that run, are paused, start and stop
 * meanwhile, or are deleted; several at once, and such as are deleted before they are there. Beside hosts and
 * controllers that are lost on the way. It has a stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

/** Of an instance of the client; of the newest images that it has had made of its instances. */
export const instanceImageCommands = ["instanceImage", "instanceImageDelete"] as const;
export type InstanceImageCommand = (typeof instanceImageCommands)[number];

interface PlannedImage {
  readonly atMs: number;
  readonly client: number;
  readonly command:
    | InstanceImageCommand
    | ("create" | "start" | "stop" | "stopHard" | "rebootHard" | "pause" | "unpause" | "delete")
    | ("imagedCreate" | "imageFetch");
  readonly target: number;
}

interface PlannedImageFault {
  readonly atMs: number;
  readonly fault:
    | ("killAgent" | "powerLoss" | "hostAway" | "pauseAgent" | "killController" | "isolate")
    | ("guestDies" | "diskFull" | "imageStoreFull" | "partsLost" | "storageHangs");
  readonly target: number;
  readonly forMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

const stories = { running: 4, stopped: 3, meanwhile: 4, many: 1, deleted: 2, gone: 1, used: 2 } as const;

/** Of one client. */
export function instanceImagesOf(random: Random, { fromMs, untilMs }: Span): readonly PlannedImage[] {
  const all = Array.from({ length: random.whole(1, 4) }, () => {
    return storyOf(random, random.between(fromMs + 2_000, untilMs));
  });
  return all.flat().filter(({ atMs }) => atMs < untilMs);
}

function storyOf(random: Random, atMs: number): readonly PlannedImage[] {
  const gapMs = random.pick([50, 300, 1_000, 3_000] as const);
  const instance = random.whole(0, 8);
  const steps = (...commands: readonly (readonly [PlannedImage["command"], number])[]) =>
    commands.map(([command, at]): PlannedImage => {
      return {
        atMs: Math.round(atMs + at * gapMs + random.whole(0, 20)),
        client: 0,
        command,
        target: instance,
      };
    });
  switch (random.weighted(stories)) {
    case "running":
      return steps(["create", 0], ["instanceImage", 3]);
    case "stopped":
      return steps(["stopHard", 0], ["instanceImage", 3], ["start", random.pick([3.2, 3.6, 5, 9] as const)]);
    case "meanwhile": {
      const turn = random.pick(["stopHard", "start", "rebootHard", "pause", "stop"] as const);
      const back = turn === "pause" ? "unpause" : "start";
      return steps(["instanceImage", 0], [turn, 0.7], [back, 2], ["stopHard", 3], ["instanceImage", 4]);
    }
    case "many":
      return steps(["instanceImage", 0], ["instanceImage", 0], ["instanceImage", 0.5], ["instanceImage", 1]);
    case "deleted":
      return steps(["instanceImage", 0], ["instanceImageDelete", random.pick([0.3, 1, 2] as const)]);
    case "gone":
      return steps(["instanceImage", 0], ["delete", random.pick([0.3, 1, 2] as const)]);
    case "used":
      return steps(["instanceImage", 0], ["imageFetch", 6], ["imagedCreate", 7], ["instanceImageDelete", 9]);
  }
}

/** What happens just when disks are copied. */
export function instanceImageFaultsOf(
  random: Random,
  commands: readonly PlannedImage[],
  { untilMs }: Span,
): readonly PlannedImageFault[] {
  const moments = commands.filter(({ command }) => command === "instanceImage");
  const count = moments.length === 0 || random.chance(0.4) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (): PlannedImageFault => {
    const beside = random.pick(moments)?.atMs ?? untilMs;
    const fault = random.weighted({
      ...{ killAgent: 5, powerLoss: 1, hostAway: 1, pauseAgent: 1, killController: 4, isolate: 1 },
      ...{ guestDies: 1, diskFull: 1, imageStoreFull: 1, partsLost: 1, storageHangs: 1 },
    });
    return {
      atMs: Math.min(untilMs, Math.round(beside + random.between(0, 4_000))),
      ...{ fault, target: random.whole(0, 30) },
      forMs: Math.round(random.between(100, random.chance(0.7) ? 3_000 : 30_000)),
    };
  });
}
