/**
 * The machine that fake guests live on: their processes, disks, files and consoles, in memory. It outlives
 * the drivers that work on it, as a real machine outlives its agent: a test makes new drivers on the same
 * world and finds the guests running. In a real process (hypervisor: fake) the world ends with the process,
 * and its guests with it. Tests steer it: what fails, what hangs, which guest dies.
 */
import type { Clock, Guest, GuestEvent, GuestStatus } from "../../../actors/runtime/ports.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { StatusError } from "../../../protocol/status.ts";
import { hostName } from "../qemu/arguments.ts";
import { abortError, delay, throwIfAborted } from "../waiting.ts";

export type FakeVerb =
  | "start"
  | "pause"
  | "resume"
  | "pressPowerButton"
  | "reset"
  | "halt"
  | "ensureDisks"
  | "releaseDisks";

export interface FakeWorldOptions {
  readonly clock: Clock;
  /** From the start of a guest until its CPU runs. 0: at once, without a timer. */
  readonly startLatencyMs?: number;
  /** From the power button to the guest's end. Absent: the guest ignores the button. */
  readonly shutdownLatencyMs?: number;
}

interface FakeProcess {
  readonly instanceId: string;
  readonly epoch: number;
  readonly name: string;
  readonly pid: number;
  readonly startedAtMs: number;
  status: GuestStatus;
  /** How often it began anew: what it heard before, it has forgotten. */
  resets: number;
}

interface Injection {
  readonly verb: FakeVerb;
  /** Absent: whichever comes first. */
  readonly instanceId: string | undefined;
  /** `hang`: until it is called off. */
  readonly outcome: StatusError | "hang";
}

/** More pids than Linux gives by default, so that none is ever mistaken for a real one. */
const firstFakePid = 10_000_000;

export class FakeWorld {
  readonly disks = new Map<string, Set<string>>();
  readonly machineFiles = new Map<string, string>();
  readonly #processes = new Map<string, FakeProcess>();
  readonly #consoles = new Map<string, string>();
  readonly #listeners = new Set<(event: GuestEvent) => void>();
  readonly #injections: Injection[] = [];
  readonly #options: FakeWorldOptions;
  #nextPid = firstFakePid;

  constructor(options: FakeWorldOptions) {
    this.#options = options;
  }

  /**
   * The next call of the verb (for this instance, when named) fails with the error, or hangs until it is
   * aborted.
   */
  inject(verb: FakeVerb, outcome: StatusError | "hang", instanceId?: string): void {
    this.#injections.push({ verb, outcome, instanceId });
  }

  /** What every verb does first. @throws the injected error; AbortError */
  async enter(verb: FakeVerb, instanceId: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const index = this.#injections.findIndex(
      (one) => one.verb === verb && (one.instanceId === undefined || one.instanceId === instanceId),
    );
    if (index < 0) return;
    const [injection] = this.#injections.splice(index, 1);
    if (injection?.outcome === "hang") await untilAborted(signal);
    else if (injection !== undefined) throw injection.outcome;
  }

  /** @throws AbortError: then there is no process */
  async boot(spec: MachineSpec, signal: AbortSignal): Promise<Guest> {
    const { clock, startLatencyMs = 0 } = this.#options;
    if (startLatencyMs > 0) await delay(clock, startLatencyMs, signal);
    throwIfAborted(signal);
    const guest: FakeProcess = {
      instanceId: spec.instanceId,
      epoch: spec.epoch,
      name: hostName(spec),
      pid: this.#nextPid++,
      startedAtMs: clock.nowMs(),
      status: "running",
      resets: 0,
    };
    this.#processes.set(spec.instanceId, guest);
    this.#greet(guest);
    return factsOf(guest);
  }

  #greet(guest: FakeProcess): void {
    const text = `NOVACT-GUEST UP fake\nNOVACT-GUEST READY hostname=${guest.name} ip=none\n`;
    this.print(guest.instanceId, text);
  }

  find(instanceId: string): Guest | undefined {
    const guest = this.#processes.get(instanceId);
    return guest && factsOf(guest);
  }

  list(): readonly Guest[] {
    return [...this.#processes.values()].map(factsOf);
  }

  setStatus(instanceId: string, status: GuestStatus): void {
    const guest = this.#processes.get(instanceId);
    if (guest !== undefined) guest.status = status;
  }

  reboot(instanceId: string): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined) return;
    guest.status = "running";
    guest.resets += 1;
    this.#greet(guest);
  }

  /** The guest hears the button as a real one does: some time later, or never. */
  pressButton(instanceId: string): void {
    const { clock, shutdownLatencyMs } = this.#options;
    const { pid, resets } = this.#processes.get(instanceId) ?? {};
    if (shutdownLatencyMs === undefined) return;
    clock.after(shutdownLatencyMs, () => {
      const present = this.#processes.get(instanceId);
      if (present?.pid === pid && present?.resets === resets) this.guestDoes(instanceId, "shutdown");
    });
  }

  /** Ends the process because a driver asked for it. */
  end(instanceId: string): void {
    this.#processes.delete(instanceId);
  }

  /** The process dies by itself, as under SIGKILL. */
  kill(instanceId: string): void {
    if (this.#processes.delete(instanceId)) this.#emit({ kind: "lost", instanceId });
  }

  /** The machine loses power: every process is gone, disks and files stay, and nobody hears of it. */
  losePower(): void {
    this.#processes.clear();
  }

  /** The guest does something by itself. */
  guestDoes(instanceId: string, kind: "paused" | "resumed" | "shutdown" | "panicked" | "reset"): void {
    const guest = this.#processes.get(instanceId);
    if (guest === undefined) return;
    guest.status = kind === "resumed" || kind === "reset" ? "running" : kind;
    if (kind === "reset") this.#greet(guest);
    this.#emit({ kind, instanceId });
  }

  print(instanceId: string, text: string): void {
    this.#consoles.set(instanceId, (this.#consoles.get(instanceId) ?? "") + text);
  }

  console(instanceId: string): string | undefined {
    return this.#consoles.get(instanceId);
  }

  forget(instanceId: string): void {
    this.disks.delete(instanceId);
    this.#consoles.delete(instanceId);
  }

  listen(listener: (event: GuestEvent) => void): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: (event: GuestEvent) => void): void {
    this.#listeners.delete(listener);
  }

  #emit(event: GuestEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const factsOf = ({ instanceId, epoch, pid, status, startedAtMs }: FakeProcess): Guest => ({
  ...{ instanceId, epoch, pid, status, startedAtMs },
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(abortError()), { once: true });
  });
}
