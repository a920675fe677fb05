/**
 * Whether every loop of every controller goes on, and is shown: asked as an operator asks, after rounds were
 * made to throw and to hang. It judges only what `novact debug` shows.
 */
import { actorLimits } from "../../actors/runtime/limits.ts";
import type { ControllerHalf, LoopState } from "../../protocol/controller.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { SimulatedClient } from "./client.ts";
import type { Kernel } from "./kernel.ts";

/** Loops that a half has from its beginning; others begin when they are first needed. */
const expected: Readonly<Record<ControllerHalf["half"], readonly string[]>> = {
  actors: [
    ...[
      "directory",
      "publisher",
      "instance-registry",
      "host-registry",
      "space",
      "reconciler",
      "recoverer",
      "waker",
    ],
    ...["sweeper", "image-sweeper", "volume-sweeper"],
  ],
  safety: ["directory", "fencer"],
};

/** A round that is late by more stands still: simulated computers are never busy for as long. */
const lateMsMax = 5_000;

/** How often loops are looked at before one counts as standing still. */
const looksMax = 4;
const askedMsMax = 30_000;

/**
 * What is wrong first, as a sentence; undefined: nothing. A round that hangs is given up after a while, and
 * only then its loop has to go on: so it takes simulated time. `names`: of all controllers.
 */
export async function firstStandingStill(
  kernel: Kernel,
  admin: Pick<SimulatedClient, "process" | "clients">,
  names: readonly string[],
): Promise<string | undefined> {
  let still: readonly string[] = ["Nobody has looked."];
  for (let looks = 0; looks < looksMax && still.length > 0 && !kernel.halted; looks += 1) {
    if (looks > 0) await kernel.run(kernel.nowMs + actorLimits.roundMsMax);
    still = await look(kernel, admin, names);
  }
  return still[0];
}

async function look(
  kernel: Kernel,
  { process, clients }: Pick<SimulatedClient, "process" | "clients">,
  names: readonly string[],
): Promise<readonly string[]> {
  let found: readonly string[] | undefined;
  kernel.soon(process, "asks for loops", () => {
    void clients.controller.debug({}, { timeoutMs: askedMsMax }).then(
      ({ halves }) => {
        found = standingStill(halves, names);
      },
      (thrown: unknown) => {
        // Where all controllers are of the version before, nobody knows the question.
        const isOlder = thrown instanceof StatusError && thrown.reason === "unknownMethod";
        found = isOlder ? [] : [`Nobody says what the loops do: ${String(thrown)}`];
      },
    );
  });
  await kernel.run(kernel.nowMs + 2 * askedMsMax, () => found !== undefined);
  return found ?? ["Nobody says what the loops do."];
}

function standingStill(halves: readonly ControllerHalf[], names: readonly string[]): readonly string[] {
  const missing = names.flatMap((name) =>
    Object.keys(expected).flatMap((half) =>
      halves.some((one) => one.name === name && one.half === half) ? [] : [`${name} ${half} is not shown.`],
    ),
  );
  return [...missing, ...halves.flatMap(faultsOf)];
}

function faultsOf({ name, half, upMs, loops }: ControllerHalf): readonly string[] {
  const there = new Set(loops.map((loop) => loop.name));
  const missing = expected[half].filter((loop) => !there.has(loop));
  return [
    ...missing.map((loop) => `The loop ${loop} of ${name} ${half} is not there.`),
    ...loops.flatMap((loop) => {
      const why = stillness(loop, upMs);
      return why === undefined ? [] : [`The loop ${loop.name} of ${name} ${half} stands still: ${why}.`];
    }),
  ];
}

function stillness(loop: LoopState, upMs: number): string | undefined {
  const { endedAgoMs, underWayMs, pauseMs } = loop;
  if (underWayMs !== null)
    return underWayMs > lateMsMax ? `a round is under way for ${underWayMs} ms` : undefined;
  const sinceMs = endedAgoMs ?? upMs;
  return sinceMs > pauseMs + lateMsMax ? `no round for ${sinceMs} ms` : undefined;
}
