/**
 * Watches a cluster from outside while it is being broken: the events that the operator and every project
 * receive, the guests' processes in the kernel's table, and what hosts answer for. It records facts and
 * changes nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterConfig } from "../config/config.ts";
import { isAlive } from "../drivers/process-table.ts";
import type { Novact } from "../sdk/sdk.ts";
import { lookAtHosts } from "./host-looks.ts";
import { type GuestParty, guestsOf, livingParties } from "./parties.ts";
import type { Recorder } from "./recorder.ts";
import { lookAtVolumes } from "./volume-looks.ts";

/** Period of looking at processes; a process that lives for less may be missed. */
const lookEveryMs = 250;

/** A look lists two sets of the kernel's rules. */
const lookAtHostsEveryMs = 1_000;

export interface Witness {
  /** The last event number that every watcher has received. */
  lastSeen(): number;
  /** Ends the watching. @throws the error of a watcher that failed */
  stop(): Promise<void>;
}

export interface WitnessOptions {
  readonly config: ClusterConfig;
  readonly recorder: Recorder;
  /** The clients that watch, each in its own project. */
  readonly watchers: readonly Novact[];
  /** The watchers start after this event number. */
  readonly after: number;
}

export function startWitness(options: WitnessOptions): Witness {
  const ending = new AbortController();
  const seen = new Map<Novact, number>();
  const work = [
    ...options.watchers.map((novact) =>
      watchEvents(options, novact, { signal: ending.signal, saw: (number) => seen.set(novact, number) }),
    ),
    watchGuests(options, ending.signal),
    watchParties(options, ending.signal),
    watchHosts(options, ending.signal),
  ];
  return {
    lastSeen: () => Math.min(...options.watchers.map((novact) => seen.get(novact) ?? options.after)),
    stop: async () => {
      ending.abort();
      await Promise.all(work);
    },
  };
}

async function watchEvents(
  { recorder, after }: WitnessOptions,
  novact: Novact,
  { signal, saw }: { readonly signal: AbortSignal; readonly saw: (sequence: number) => void },
): Promise<void> {
  const { project } = novact;
  try {
    for await (const event of novact.watch({ after, signal })) {
      saw(event.sequence);
      recorder.tell({ kind: "watched", atMs: Date.now(), watcher: `watch-${project}`, project, event });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function watchGuests({ config, recorder }: WitnessOptions, signal: AbortSignal): Promise<void> {
  let known = new Map<string, GuestParty>();
  while (!signal.aborted) {
    const guests = await guestsOf(config);
    const now = new Map(guests.map((guest) => [keyOf(guest), guest]));
    for (const [key, guest] of known) {
      const seen = now.get(key);
      // One that did not answer is what it was: only the kernel tells of an end.
      if (seen === undefined && (await isAlive(guest.process))) now.set(key, guest);
      else if (seen === undefined) recorder.tell(factOf("guestEnded", guest));
      else if (isStopped(seen) !== isStopped(guest))
        recorder.tell(factOf(isStopped(seen) ? "guestHeld" : "guestFree", guest));
    }
    for (const [key, guest] of now) if (!known.has(key)) recorder.tell(factOf("guestStarted", guest));
    known = now;
    const open = await lookAtVolumes(guests);
    if (open.open.length > 0) recorder.tell(open);
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Looks again and again: of a look that nobody finishes any more nothing is recorded. */
async function watchHosts({ config, recorder }: WitnessOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for await (const look of lookAtHosts(config)) recorder.tell(look);
    await sleep(lookAtHostsEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Records each process when it has ended, and the living ones when the watching ends. */
async function watchParties({ config, recorder }: WitnessOptions, signal: AbortSignal): Promise<void> {
  const known = new Map<string, Life>();
  while (!signal.aborted) {
    const living = new Set<string>();
    for (const [name, { pid, startTicks }] of await livingParties(config)) {
      const key = `${pid}/${startTicks}`;
      living.add(key);
      const life = known.get(key) ?? { name, pid, startTicks, atMs: Date.now(), untilMs: 0 };
      known.set(key, { ...life, untilMs: Date.now() });
    }
    for (const [key, life] of known) {
      if (living.has(key)) continue;
      if (await isAlive(life)) {
        known.set(key, { ...life, untilMs: Date.now() });
        continue;
      }
      known.delete(key);
      recorder.tellLife(lifeOf(life));
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
  for (const life of known.values()) recorder.tellLife(lifeOf(life));
}

interface Life {
  readonly name: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly atMs: number;
  readonly untilMs: number;
}

const lifeOf = ({ startTicks: _, ...life }: Life) => life;

const keyOf = ({ process }: GuestParty): string => `${process.pid}/${process.startTicks}`;

/** True when the process is stopped, by its guard or by an injected fault: it cannot write. */
const isStopped = ({ process }: GuestParty): boolean => process.state === "T";

type Kind = "guestStarted" | "guestEnded" | "guestHeld" | "guestFree";

function factOf(kind: Kind, { process, hostId, instanceId, ownerEpoch }: GuestParty) {
  return { kind, atMs: Date.now(), hostId, instanceId, ownerEpoch, pid: process.pid };
}
