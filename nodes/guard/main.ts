/**
 * The guard's process, one for each compute node: it stops the guests that another host may take over when
 * the host lease has ended, whatever has happened to the agent. The decisions are in actors/node/guard; the
 * process lives as long as there are such guests. Arguments: its own directory, and the directory that the
 * guests work in.
 *
 * The process has to be small and must never wait: it imports next to nothing, reads only what the kernel
 * answers by itself synchronously, and stops a guest without an answer of QEMU, of the storage, or of any
 * other process; the guests that it knows are stopped before it looks for others. It must never say of a
 * guest that it is stopped or gone before the kernel shows it of every thread. Started by
 * drivers/qemu/guard-launch.ts.
 */
import { access, ftruncateSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { setPriority } from "node:os";
import { decide, nextLookAtMs } from "../../actors/node/guard/decide.ts";
import { guardLimits } from "../../actors/node/guard/limits.ts";
import type { FencedGuest, GuardAction, GuardEvent } from "../../actors/node/guard/messages.ts";
import { beginGuard, type GuardState, toStore } from "../../actors/node/guard/state.ts";
import type { GuardDeed } from "../../protocol/guard.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { doToGroup, GuardGroups } from "../drivers/cgroup/guard-groups.ts";
import { GuardMemory, guardFiles, readStoredGuard } from "../drivers/guard-files.ts";
import { driverLimits } from "../drivers/limits.ts";
import { type FoundGuest, GuardScan, isSameProcess, lookAtDirectories } from "../drivers/qemu/guard-scan.ts";

const signals = {
  stop: "SIGSTOP",
  continue: "SIGCONT",
  continueAgain: "SIGCONT",
  kill: "SIGKILL",
  killAgain: "SIGKILL",
} as const;
const groupDeeds = {
  stop: "its cgroup is told to freeze",
  continue: "thawed",
  continueAgain: "thawed",
  kill: "SIGKILL to its cgroup",
  killAgain: "SIGKILL to its cgroup",
};
const proofs = { stopped: "every thread is stopped", gone: "no thread is left" } as const;

/** CLOCK_MONOTONIC in ms: the same for every process of the computer. */
const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

class GuardProcess {
  readonly #scan: GuardScan;
  readonly #bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  readonly #memory = new GuardMemory((error) => say(`its state could not be written: ${error.message}`));
  readonly #waiting = new Map<number, Socket>();
  /** The last line about each process. */
  readonly #said = new Map<string, string>();
  #state: GuardState;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<ReadonlyMap<string, boolean>> | undefined;
  #lookedAtMs = 0;
  #searching: Promise<number> | undefined;
  /** When the last search ended; undefined: there was none yet. */
  #searchedAtMs: number | undefined;

  constructor(guests: string) {
    this.#state = beginGuard(readStoredGuard(), this.#bootId, monotonicMs());
    const { stopped } = this.#state;
    this.#scan = new GuardScan(guests, stopped, { groups: new GuardGroups(".", guests, stopped) });
  }

  get number(): number {
    return this.#state.number;
  }

  /**
   * Stops at once the known guests that have to be stopped, and looks for others and at the disks afterwards.
   * Before the first search nothing is known that the guard before has not stopped.
   */
  tick(): void {
    if (this.#searchedAtMs !== undefined) this.#take(tickOf(this.#scan.known()));
    const sinceMs = monotonicMs() - (this.#searchedAtMs ?? Number.NEGATIVE_INFINITY);
    const isDue = this.#searching === undefined && sinceMs >= guardLimits.guardSearchPauseMs;
    if (isDue) void this.#searchAndLook();
  }

  extend(number: number, deadlineMs: number, socket: Socket): void {
    this.#waiting.set(number, socket);
    this.#take({ kind: "extend", number, deadlineMs });
  }

  /** The first deeds after this number, as many as one answer may have. */
  deeds(after: number): readonly GuardDeed[] {
    const later = this.#state.deeds.filter(({ number }) => number > after);
    return later.slice(0, leaseLimits.guardDeedsPageMax);
  }

  /** Number of the last deed; 0: there is none. */
  get lastDeed(): number {
    return this.#state.deeds.at(-1)?.number ?? 0;
  }

  /** Looks for guests; what is found has been dealt with. Answers their number. One search at a time. */
  search(): Promise<number> {
    this.#searching ??= this.#search().finally(() => {
      this.#searching = undefined;
    });
    return this.#searching;
  }

  /** Number of known guests to guard. */
  count(): number {
    return this.#scan.known().length;
  }

  forget(socket: Socket): void {
    for (const [number, one] of this.#waiting) if (one === socket) this.#waiting.delete(number);
  }

  #take(event: GuardEvent): void {
    const { next, actions } = decide(this.#state, event, monotonicMs());
    this.#state = next;
    for (const action of actions) this.#act(action);
    const { stopped } = this.#state;
    this.#memory.keep(toStore(this.#state, this.#bootId));
    if (stopped.length === 0) this.#said.clear();
    this.#arm();
  }

  async #search(): Promise<number> {
    const guests = await this.#scan.find();
    this.#searchedAtMs = monotonicMs();
    this.#take(tickOf(guests));
    return guests.length;
  }

  async #searchAndLook(): Promise<void> {
    await this.search();
    const { stopped, deadlineMs, unanswered, watchUntilMs } = this.#state;
    const nowMs = monotonicMs();
    const due = nowMs >= deadlineMs || nowMs < watchUntilMs || stopped.length > 0;
    const guests = this.#scan.known();
    if (due && (guests.length > 0 || unanswered)) await this.#look(guests);
  }

  /**
   * Sets the timer for the next tick. A timer of a starved process fires late; the tick then goes by the
   * clock.
   */
  #arm(): void {
    clearTimeout(this.#timer);
    const nowMs = monotonicMs();
    const waitMs = Math.max(1, Math.ceil(nextLookAtMs(this.#state, nowMs) - nowMs));
    this.#timer = setTimeout(() => this.tick(), waitMs);
  }

  #act(action: GuardAction): void {
    if (action.kind === "look") void this.#searchAndLook();
    else if (action.kind === "acknowledge") this.#answer(action.number);
    else if (action.kind === "tell") this.#sayOnce(action.guest, proofs[action.what]);
    else this.#signal(action.kind, action.guest);
  }

  #signal(kind: keyof typeof signals, guest: FencedGuest): void {
    try {
      if (guest.group !== undefined) {
        doToGroup(kind, guest.group);
        this.#sayOnce(guest, groupDeeds[kind]);
      } else if (isSameProcess(guest)) {
        process.kill(guest.pid, signals[kind]);
        this.#sayOnce(guest, signals[kind]);
      }
    } catch (error) {
      this.#sayOnce(guest, `${signals[kind]} failed: ${String(error)}`);
    }
  }

  /** Writes a deed to the log; a deed that repeats the last one of the same guest is left out. */
  #sayOnce(guest: FencedGuest, what: string): void {
    const { instanceId, ownerEpoch, pid, group } = guest;
    const line = `process ${pid}, instance ${instanceId} of epoch ${ownerEpoch}: ${what}`;
    const key = group?.id ?? `process ${pid}`;
    if (this.#said.get(key) === line) return;
    this.#said.set(key, line);
    say(line);
  }

  /** Answers this request and all before it: what is held now is newer. */
  #answer(number: number): void {
    for (const [one, socket] of this.#waiting) {
      if (one > number) continue;
      this.#waiting.delete(one);
      send(socket, { kind: "extended", number: one });
    }
  }

  /** Looks at the disks, one look at a time: for a storage that does not answer, no one waits for long. */
  async #look(guests: readonly FoundGuest[]): Promise<void> {
    const askedAtMs = monotonicMs();
    this.#looking ??= this.#begin(guests);
    const found = await within(this.#looking, guardLimits.guardDiskLookMs);
    const lookedAtMs = found === undefined ? askedAtMs : this.#lookedAtMs;
    this.#take(tickOf(this.#scan.known(), lookedAtMs, found));
  }

  #begin(guests: readonly FoundGuest[]): Promise<ReadonlyMap<string, boolean>> {
    this.#lookedAtMs = monotonicMs();
    const directories = guests.flatMap(({ directory }) => directory ?? []);
    return lookAtDirectories(directories).finally(() => {
      this.#looking = undefined;
    });
  }
}

/** The input of a tick. Without `found`, no disk counts as taken by somebody else. */
function tickOf(
  guests: readonly FoundGuest[],
  lookedAtMs?: number,
  found?: ReadonlyMap<string, boolean>,
): GuardEvent {
  const seen = guests.map(({ directory, isRead, ...guest }) => ({
    ...guest,
    diskPresent: directory === undefined ? isRead || undefined : found?.get(directory),
  }));
  return { kind: "tick", guests: seen, lookedAtMs };
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

const send = (socket: Socket, message: Readonly<Record<string, unknown>>): void => {
  socket.write(`${JSON.stringify(message)}\n`);
};

let logBytes = 0;

/**
 * Writes one line to the guard's log (its standard error), which starts again when it has become too long.
 */
function say(text: string): void {
  const line = `${new Date().toISOString()} ${text}\n`;
  try {
    logBytes += line.length;
    if (logBytes > driverLimits.processLogBytesMax) ftruncateSync(2);
    if (logBytes > driverLimits.processLogBytesMax) logBytes = line.length;
    writeSync(2, line);
  } catch {
    // A full disk must not keep the guard from its work.
    logBytes = 0;
  }
}

function hear(guard: GuardProcess, socket: Socket, line: string): void {
  const { kind, number, deadlineMs, after } = Object(parsed(line));
  if (kind === "extend" && Number.isInteger(number) && Number.isFinite(deadlineMs)) {
    guard.extend(number, deadlineMs, socket);
  } else if (kind === "status") {
    const { number: newest, lastDeed } = guard;
    send(socket, { kind: "status", number: newest, pid: process.pid, guests: guard.count(), lastDeed });
  } else if (kind === "deeds" && Number.isInteger(after)) {
    send(socket, { kind: "deeds", after, deeds: guard.deeds(after) });
  } else if (kind === "end") {
    void end(guard, socket);
  } else {
    socket.destroy();
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Invalid input: the connection is closed.
    return undefined;
  }
}

async function end(guard: GuardProcess, socket: Socket): Promise<void> {
  const guests = await guard.search();
  if (guests > 0) {
    send(socket, { kind: "refused", guests });
    return;
  }
  say("told to end");
  rmSync(guardFiles.socket, { force: true });
  socket.end(`${JSON.stringify({ kind: "ending" })}\n`, () => process.exit(0));
}

function serve(guard: GuardProcess): void {
  const server = createServer((socket) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      const lines = (text + String(chunk)).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) hear(guard, socket, line);
      if (text.length > guardLimits.guardLineBytesMax) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => guard.forget(socket));
  });
  process.umask(0o177);
  rmSync(guardFiles.socket, { force: true });
  server.listen(guardFiles.socket);
}

/**
 * Learns the guests while they are young: what they show of themselves can be changed by whoever breaks out
 * of them. Ends the guard when its directory was removed: no agent can find it again, and no guests are left.
 */
async function lookAround(guard: GuardProcess): Promise<void> {
  const guests = await guard.search();
  access(guardFiles.lock, (error) => {
    if (error?.code === "ENOENT" && guests === 0) process.exit(0);
  });
}

/**
 * Makes the process one of the last to be killed when memory is short, and one of the first to get the
 * processor, as far as it may.
 */
function takePrecedence(): void {
  const ways = [() => setPriority(-10), () => writeFileSync("/proc/self/oom_score_adj", "-900")];
  for (const way of ways) {
    try {
      way();
    } catch (error) {
      say(`it has not all the precedence that it wants: ${String(error)}`);
    }
  }
}

const [directory = "", guests = ""] = process.argv.slice(2);
process.chdir(directory);
takePrecedence();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => say(`${signal} ignored: it ends when it is told to`));
}
const guard = new GuardProcess(guests);
guard.tick();
serve(guard);
setInterval(() => void lookAround(guard), guardLimits.guardHomeLookMs);
say(`it guards ${guests} as process ${process.pid}`);
