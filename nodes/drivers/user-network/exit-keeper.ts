/**
 * Keeps the ways outside of a host as the picture has them: one process for each. They outlive the agent, and
 * one that was killed is started again. Guests run on without them: this file must never fail for who plugs
 * in or applies a picture.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, realpathSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log, Timer } from "../../../protocol/wire/transport.ts";
import { Turns } from "../waiting.ts";
import { exitBounds, exitOptions } from "./exits.ts";
import type { GatewayPlace } from "./gateway-keeper.ts";
import { endGateway, findGateway, gatewayFiles, slirpArguments, startProcess } from "./gateway-process.ts";
import { userNetworkLimits } from "./limits.ts";

/** An exit that this agent has started. */
interface Started {
  readonly child: ChildProcess;
  readonly atMs: number;
  /** Time from its start to that of the next process, at least. */
  readonly pauseMs: number;
  ended: boolean;
}

const { gatewayLookPeriodMs, provenAfterMs, switchRestartBackoffMsMax } = userNetworkLimits;

export class ExitKeeper {
  readonly #place: GatewayPlace;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #started = new Map<string, Started>();
  #wanted: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #detached = false;

  /** `place`: of this node's exits alone. */
  constructor(place: GatewayPlace, log: Log) {
    mkdirSync(place.directory, { recursive: true, mode: 0o700 });
    this.#place = { ...place, directory: realpathSync(place.directory) };
    this.#log = log;
  }

  /** Where the switch connects to it. */
  socketOf(id: string): string {
    return join(this.#place.directory, id, gatewayFiles.socket);
  }

  /** From now on; it is brought about soon. */
  want(ids: readonly string[]): void {
    this.#wanted = new Set(ids);
    this.#lookSoon(0);
  }

  /** The agent ends. `guests`: and so have they, and nobody goes outside any more. */
  async detach(guests: boolean): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.#turns.run("exits", async () => {
      if (guests) await this.#endAllBut(new Set());
    });
  }

  #lookSoon(ms: number): void {
    if (this.#detached) return;
    this.#timer?.cancel();
    this.#timer = this.#place.clock.after(ms, () => void this.#lookInTurn());
  }

  async #lookInTurn(): Promise<void> {
    try {
      await this.#turns.run("exits", () => this.#look());
    } catch (error) {
      this.#log.error({ error: String(error) }, "the ways outside of this host could not be looked after");
    }
    if (this.#wanted.size > 0) this.#lookSoon(gatewayLookPeriodMs);
  }

  async #look(): Promise<void> {
    if (this.#detached) return;
    await this.#endAllBut(this.#wanted);
    for (const id of this.#wanted) this.#keep(id);
  }

  async #endAllBut(ids: ReadonlySet<string>): Promise<void> {
    for (const id of await readdir(this.#place.directory)) {
      if (ids.has(id)) continue;
      const directory = join(this.#place.directory, id);
      await this.#endStarted(id);
      await endGateway(directory, this.#place.clock);
      await rm(directory, { recursive: true, force: true });
      this.#started.delete(id);
    }
  }

  /** One that has just begun may not have written its number yet. */
  async #endStarted(id: string): Promise<void> {
    const started = this.#started.get(id);
    if (started === undefined || started.ended) return;
    const ended = new Promise((resolve) => started.child.once("exit", resolve));
    started.child.kill("SIGKILL");
    await ended;
  }

  #keep(id: string): void {
    const directory = join(this.#place.directory, id);
    if (findGateway(directory) !== undefined) return;
    const before = this.#started.get(id);
    const nowMs = this.#place.clock.monotonicMs();
    if (before !== undefined && (!before.ended || nowMs < before.atMs + before.pauseMs)) return;
    this.#start(id, directory, nowMs, pauseAfter(before, nowMs));
  }

  #start(id: string, directory: string, atMs: number, pauseMs: number): void {
    const slirp = slirpArguments({ name: `exit.${id}`, options: exitOptions });
    const child = startProcess(directory, [...exitBounds, this.#place.emulator, ...slirp]);
    const started: Started = { child, atMs, pauseMs, ended: false };
    this.#started.set(id, started);
    this.#log.info({ pid: child.pid, exit: id }, "a way outside was started");
    const ended = () => {
      started.ended = true;
      if (!this.#detached) this.#lookSoon(0);
    };
    child.once("exit", ended);
    child.once("error", (error) => {
      this.#log.error({ error: String(error) }, "a way outside could not be started");
      ended();
    });
  }
}

/** Twice as long as before, unless that one has lived for long. */
function pauseAfter(before: Started | undefined, nowMs: number): number {
  if (before === undefined || nowMs - before.atMs >= provenAfterMs) return gatewayLookPeriodMs;
  return Math.min(2 * before.pauseMs, switchRestartBackoffMsMax);
}
