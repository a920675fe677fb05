/**
 * The part of a plan that is about volumes that instances have from their beginning: root disks, new and such
 * as are there, empty and from an image; some go with their instance, the others go on in the next one; two
 * instances want one at the same moment, and nobody may take a root disk away. Beside hosts that are lost. It
 * has a stream of chance of its own. Pure.
 */
import { volumeTarget } from "./plan-volumes.ts";
import type { Random } from "./random.ts";

/** Those but the first mean the newest instances that a client has made with volumes. */
export const bootCommands = ["bootCreate", "bootDetach", "bootDelete", "bootStop", "bootStart"] as const;
export type BootCommand = (typeof bootCommands)[number];

interface PlannedBoot {
  readonly atMs: number;
  readonly client: number;
  readonly command: BootCommand | "volumeAttach" | "volumeDelete" | "evacuate";
  readonly target: number;
}

interface PlannedBootFault {
  readonly atMs: number;
  readonly fault:
    | ("killAgent" | "powerLoss" | "hostAway" | "hostFenced" | "killController" | "isolate")
    | ("storageHangs" | "diskFull" | "guestDies");
  readonly target: number;
  readonly forMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

const stories = { life: 4, next: 3, race: 2, fixed: 2, terminated: 3 } as const;

/** Of one client. */
export function bootsOf(random: Random, { fromMs, untilMs }: Span): readonly PlannedBoot[] {
  const all = Array.from({ length: random.whole(1, 5) }, () => {
    return storyOf(random, random.between(fromMs + 1_000, untilMs));
  });
  return all.flat().filter(({ atMs }) => atMs < untilMs);
}

/** `how` of the target: what volumes it has (client-boot-volumes.ts). */
function storyOf(random: Random, atMs: number): readonly PlannedBoot[] {
  const gapMs = random.pick([200, 1_000, 3_000, 6_000] as const);
  const [volume, instance] = [random.whole(0, 3), random.whole(0, 1)];
  const steps = (...commands: readonly (readonly [PlannedBoot["command"], number, number?])[]) =>
    commands.map(([command, at, how = random.whole(0, 11)]): PlannedBoot => {
      const target = volumeTarget(volume, instance, how);
      return { atMs: Math.round(atMs + at * gapMs + random.whole(0, 20)), client: 0, command, target };
    });
  switch (random.weighted(stories)) {
    case "life":
      return steps(
        ["bootCreate", 0],
        ["bootStop", 3],
        ["bootStart", 4],
        ["bootDetach", 5],
        ["bootDelete", 7],
      );
    case "next":
      return steps(["bootCreate", 0, 0], ["bootDelete", 3], ["bootCreate", 5, 3], ["bootDelete", 8]);
    case "race":
      return steps(["bootCreate", 0, 3], ["bootCreate", 0, 3], ["volumeAttach", 0], ["bootDelete", 3]);
    case "fixed":
      return steps(["bootCreate", 0, 2], ["bootDetach", 2], ["bootDetach", 3], ["volumeDelete", 4]);
    case "terminated":
      return steps(["bootCreate", 0], ["bootDelete", random.pick([0.2, 2, 4] as const)], ["volumeAttach", 5]);
  }
}

/** What happens just when such instances are made and deleted. */
export function bootFaultsOf(
  random: Random,
  commands: readonly PlannedBoot[],
  { untilMs }: Span,
): readonly PlannedBootFault[] {
  const count = commands.length === 0 || random.chance(0.3) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (): PlannedBootFault => {
    const beside = random.pick(commands)?.atMs ?? untilMs;
    const fault = random.weighted({
      ...{ killAgent: 3, powerLoss: 1, hostAway: 3, hostFenced: 1, killController: 2, isolate: 1 },
      ...{ storageHangs: 1, diskFull: 1, guestDies: 1 },
    });
    return {
      atMs: Math.min(untilMs, Math.round(beside + random.between(0, 3_000))),
      ...{ fault, target: random.whole(0, 30) },
      forMs: Math.round(random.between(200, random.chance(0.5) ? 3_000 : 40_000)),
    };
  });
}
