/**
 * Keeps processes of one kind (gateways.ts, exits.ts) as they are wanted, each in a directory of its own.
 * They outlive the agent, one that was killed is started again, and one that does not end is tried again
 * whether or not any is wanted. Guests run on without them: this file must never fail for who wants them.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, realpathSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { Turns } from "../waiting.ts";
import { endGateway, gatewayFiles } from "./gateway-process.ts";
import { userNetworkLimits } from "./limits.ts";

export interface KeptPlace {
  /** Of this node's processes of the kind alone. */
  readonly directory: string;
  /** The program: QEMU. */
  readonly emulator: string;
  readonly clock: Clock;
}

export interface Keeping {
  /** In logs: `gateway`. */
  readonly what: string;
  readonly wanted: () => Iterable<string>;
  /** Looks after all that is wanted. */
  readonly keep: () => Promise<void>;
  /** The process is not wanted any more, and has ended. */
  readonly ended?: (id: string) => void;
  /** @throws Error when it does not end */
  readonly end?: (directory: string) => Promise<void>;
}

/** A process that this agent has started. */
interface Started {
  readonly child: ChildProcess;
  readonly atMs: number;
  /** Time from its start to that of the next process, at least. */
  readonly pauseMs: number;
  isProven: boolean;
  hasEnded: boolean;
}

const { gatewayLookPeriodMs, gatewaySilenceMsMax } = userNetworkLimits;
const { provenAfterMs, switchRestartBackoffMsMax } = userNetworkLimits;

export class KeptProcesses {
  readonly #place: KeptPlace;
  readonly #keeping: Keeping;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #started = new Map<string, Started>();
  #timer: Timer | undefined;
  #detached = false;

  constructor(place: KeptPlace, keeping: Keeping, log: Log) {
    mkdirSync(place.directory, { recursive: true, mode: 0o700 });
    this.#place = { ...place, directory: realpathSync(place.directory) };
    this.#keeping = keeping;
    this.#log = log;
  }

  directoryOf(id: string): string {
    return join(this.#place.directory, id);
  }

  /** Where the switch connects to it. */
  socketOf(id: string): string {
    return join(this.directoryOf(id), gatewayFiles.socket);
  }

  lookSoon(): void {
    this.#lookAfter(0);
  }

  /** The agent ends. `guests`: the guests have ended too, and the processes that served them end now. */
  async detach(guests: boolean): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.#turns.run("all", async () => {
      if (guests) await this.#endAllBut(new Set());
    });
  }

  /** Starts one, unless one is beginning, or the last one has ended too soon for another. */
  start(id: string, spawn: (directory: string) => ChildProcess): void {
    const [before, atMs] = [this.#started.get(id), this.#place.clock.monotonicMs()];
    if (before !== undefined && (isBeginning(before, atMs) || atMs < before.atMs + before.pauseMs)) return;
    const child = spawn(this.directoryOf(id));
    const pauseMs = pauseAfter(before, atMs);
    const started: Started = { child, atMs, pauseMs, isProven: false, hasEnded: false };
    this.#started.set(id, started);
    this.#log.info({ pid: child.pid, id }, `a ${this.#keeping.what} was started`);
    const ended = () => {
      started.hasEnded = true;
      this.lookSoon();
    };
    child.once("exit", ended);
    child.once("error", (error) => {
      this.#log.error({ error: String(error), id }, `a ${this.#keeping.what} could not be started`);
      ended();
    });
  }

  /** The process works: when it ends, the next one begins soon. */
  proven(id: string): void {
    const started = this.#started.get(id);
    if (started !== undefined) started.isProven = true;
  }

  #lookAfter(ms: number): void {
    if (this.#detached) return;
    this.#timer?.cancel();
    this.#timer = this.#place.clock.after(ms, () => void this.#lookInTurn());
  }

  async #lookInTurn(): Promise<void> {
    const isDone = await this.#turns
      .run("all", () => this.#look())
      .catch((error: unknown) => {
        this.#log.error(
          { error: String(error) },
          `each ${this.#keeping.what} of this host is looked at again`,
        );
        return false;
      });
    if (!isDone) this.#lookAfter(gatewayLookPeriodMs);
  }

  /** True: there is nothing to look after. */
  async #look(): Promise<boolean> {
    if (this.#detached) return true;
    const wanted = new Set(this.#keeping.wanted());
    const hasEnded = await this.#endAllBut(wanted);
    await this.#keeping.keep();
    return hasEnded && wanted.size === 0;
  }

  /** All at once: one that hangs keeps no other from its end. Answers whether all have ended. */
  async #endAllBut(ids: ReadonlySet<string>): Promise<boolean> {
    const others = (await readdir(this.#place.directory)).filter((id) => !ids.has(id));
    const ends = await Promise.allSettled(others.map((id) => this.#end(id)));
    for (const one of ends)
      if (one.status === "rejected")
        this.#log.error({ error: String(one.reason) }, `a ${this.#keeping.what} of this host does not end`);
    return ends.every(({ status }) => status === "fulfilled");
  }

  async #end(id: string): Promise<void> {
    const directory = this.directoryOf(id);
    await this.#endStarted(id);
    await (this.#keeping.end?.(directory) ?? endGateway(directory, this.#place.clock));
    await rm(directory, { recursive: true, force: true });
    this.#started.delete(id);
    this.#keeping.ended?.(id);
  }

  /** One that has just begun may not have written its number yet. */
  async #endStarted(id: string): Promise<void> {
    const started = this.#started.get(id);
    if (started === undefined || started.hasEnded) return;
    const ended = new Promise((resolve) => started.child.once("exit", resolve));
    started.child.kill("SIGKILL");
    await ended;
  }
}

/** One that never writes its number is ended as well: the agent is its parent. */
function isBeginning({ hasEnded, atMs, child }: Started, nowMs: number): boolean {
  if (hasEnded) return false;
  if (nowMs - atMs >= gatewaySilenceMsMax) child.kill("SIGKILL");
  return true;
}

/** Twice as long as before, unless that one was sound. */
function pauseAfter(before: Started | undefined, nowMs: number): number {
  if (before === undefined || before.isProven || nowMs - before.atMs >= provenAfterMs)
    return gatewayLookPeriodMs;
  return Math.min(2 * before.pauseMs, switchRestartBackoffMsMax);
}
