/**
 * A fake of a plug-in's hypervisor on a simulated computer: a good one, and the ways in which one is wrong.
 */
import type { Guest, Hypervisor } from "../../actors/ports/hypervisor.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { SimulatedComputer, SimulatedHypervisor } from "../simulator/computer.ts";

const periodMs = 10;
const patienceMs = 5_000;

const lives = ({ status }: Guest): boolean => status === "running" || status === "paused";
const find = (computer: SimulatedComputer, id: string) =>
  computer.guests().find(({ instanceId }) => instanceId === id);

export const toyHypervisor: SimulatedHypervisor = (computer) => {
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = async <T>(id: string, act: () => Promise<T>): Promise<T> => {
    const before = turns.get(id) ?? Promise.resolve();
    const turn = before.then(act, act);
    turns.set(id, turn);
    return turn;
  };
  const tell = (id: string, deed: (id: string) => void) =>
    inTurn(id, async () => {
      const guest = find(computer, id);
      if (guest === undefined) throw new StatusError("guestFailed", `The guest ${id} does not run.`);
      if (!lives(guest)) throw new StatusError("hypervisorRefused", `The guest ${id} has ended by itself.`);
      deed(id);
    });
  return {
    capabilities: async () => ({
      ...{ kind: "toy", accelerator: "none", acceleratorReason: "It is a toy.", version: "1" },
      ...{ networks: [], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
    }),
    start: (spec, _paths, signal) =>
      inTurn(spec.instanceId, async () => {
        const before = find(computer, spec.instanceId);
        if (before !== undefined && before.ownerEpoch > spec.ownerEpoch)
          throw new StatusError("staleEpoch", "A newer owner epoch has this guest.");
        if (before?.ownerEpoch === spec.ownerEpoch && lives(before)) {
          computer.resume(spec.instanceId);
          return { ...before, status: "running" };
        }
        if (before !== undefined) await ended(computer, before);
        return computer.begin(spec, signal);
      }),
    list: async () => computer.guests(),
    inspect: async (id) => find(computer, id),
    pause: (id) => tell(id, computer.pause),
    resume: (id) => tell(id, computer.resume),
    pressPowerButton: (id) => tell(id, computer.pressPowerButton),
    reset: (id) => tell(id, computer.reset),
    halt: (id) =>
      inTurn(id, async () => {
        const guest = find(computer, id);
        if (guest !== undefined) await ended(computer, guest);
      }),
    onEvent: (listener) => computer.onEvent(listener),
    detach: async () => undefined,
  };
};

async function ended(computer: SimulatedComputer, { instanceId, pid }: Guest): Promise<void> {
  const { clock } = computer;
  computer.kill(instanceId);
  const untilMs = clock.monotonicMs() + patienceMs;
  while (computer.guests().some((one) => one.pid === pid)) {
    if (clock.monotonicMs() >= untilMs) throw new StatusError("guestFailed", "It could not be ended.");
    await new Promise<void>((resolve) => void clock.after(periodMs, resolve));
  }
}

const wrong =
  (change: (computer: SimulatedComputer, good: Hypervisor) => Partial<Hypervisor>): SimulatedHypervisor =>
  (computer) => {
    const good = toyHypervisor(computer);
    return { ...good, ...change(computer, good) };
  };

/** Each is found by some seed. */
export const wrongHypervisors: Readonly<Record<string, SimulatedHypervisor>> = {
  "knows nothing of what its agent's life before has begun": wrong((computer, good) => {
    const own = new Set<string>();
    const known = ({ instanceId }: Guest) => own.has(instanceId);
    return {
      start: (spec, _paths, signal) => {
        own.add(spec.instanceId);
        return computer.begin(spec, signal);
      },
      list: async () => computer.guests().filter(known),
      inspect: async (id) => (own.has(id) ? good.inspect(id) : undefined),
    };
  }),
  "only says that a guest was halted": wrong(() => ({ halt: async () => undefined })),
  "only says that a guest was started": wrong((computer) => ({
    start: async ({ instanceId, ownerEpoch }) => ({
      ...{ instanceId, ownerEpoch, pid: 1, status: "running", startedAtMs: computer.clock.nowMs() },
    }),
  })),
  "waits for what never comes": wrong(() => ({ halt: () => new Promise(() => undefined) })),
};
