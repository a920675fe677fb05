/**
 * The part of a plan that is about what people write: names, descriptions and metadata, often several at the
 * same moment, and locks of projects and operators, which are lifted after a while. It has a stream of chance
 * of its own, so that what seeds drew before it came stays what it was. Pure.
 */
import type { Random } from "./random.ts";

/** What a project asks for; operators have commands of their own for locks (plan-surroundings.ts). */
export const editCommands = ["set", "lock", "unlock"] as const;
export type EditCommand = (typeof editCommands)[number] | "operatorLock" | "operatorUnlock";

export interface PlannedEdit {
  readonly atMs: number;
  readonly client: number;
  readonly command: EditCommand;
  readonly target: number;
  readonly request?: Readonly<Record<string, unknown>>;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** Swarm testing: in some runs much is written, in others something is locked, in most neither. */
export function editsOf(random: Random, span: Span): readonly PlannedEdit[] {
  const [sets, locks] = [random.fork("sets"), random.fork("locks")];
  return [
    ...(sets.chance(0.3) ? setsOf(sets, span) : []),
    ...(locks.chance(0.25) ? locksOf(locks, span) : []),
  ];
}

const somewhere = (random: Random, { fromMs, untilMs, clients }: Span) => ({
  atMs: Math.round(random.between(fromMs, untilMs)),
  client: random.whole(0, clients - 1),
  target: random.whole(0, 4),
});

/** One to three at the same moment about the same instance, each of something else. */
function setsOf(random: Random, span: Span): readonly PlannedEdit[] {
  return Array.from({ length: random.whole(1, 8) }, () => {
    const at = somewhere(random, span);
    return Array.from({ length: random.whole(1, 3) }, (): PlannedEdit => {
      return { ...at, command: "set", request: writtenBy(random) };
    });
  }).flat();
}

function writtenBy(random: Random): Readonly<Record<string, unknown>> {
  const key = `key-${random.whole(0, 5)}`;
  const value = random.chance(0.25) ? null : String(random.whole(0, 9));
  return {
    ...(random.chance(0.8) ? { metadata: { [key]: value } } : { name: `renamed-${random.whole(0, 9)}` }),
    ...(random.chance(0.2) ? { description: random.chance(0.3) ? null : `text ${random.whole(0, 9)}` } : {}),
  };
}

/** Locked once or twice, and unlocked by the same side, or by the other one. */
function locksOf(random: Random, span: Span): readonly PlannedEdit[] {
  return Array.from({ length: random.whole(1, 4) }, () => {
    const at = somewhere(random, span);
    const sides = Array.from({ length: random.whole(1, 2) }, () => random.chance(0.3));
    const forMs = random.whole(200, 15_000);
    return [
      ...sides.map((operators, index): PlannedEdit => {
        const request = random.chance(0.5) ? { reason: `reason ${random.whole(0, 9)}` } : {};
        const command = operators ? "operatorLock" : "lock";
        return { ...at, atMs: at.atMs + index * random.whole(0, 1_000), command, request };
      }),
      { ...at, atMs: at.atMs + forMs, command: "unlock" } as const,
      { ...at, atMs: at.atMs + forMs + 1_000, command: "operatorUnlock" } as const,
    ];
  }).flat();
}
