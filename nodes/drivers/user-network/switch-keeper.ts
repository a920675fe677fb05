/**
 * Keeps the switch of a computer for one of its nodes: tells it what is wanted, waits until that is applied,
 * and has one alive as long as a port of the node is plugged in. A switch that runs stays when the agent
 * ends, or another version of the agent begins; one of another version that does not understand what this
 * agent writes is replaced. This file must never end a switch that carries packets for any other reason.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { HostNetworking } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log, Timer } from "../../../protocol/wire/transport.ts";
import { ownVersion } from "../../package/program-files.ts";
import {
  readSwitchState,
  replaceFile,
  type SwitchApplied,
  type SwitchState,
  stateHash,
  switchFiles,
  writeSwitchState,
} from "../../switch/state.ts";
import { isMissing } from "../durable-file.ts";
import { delay, Turns, throwIfAborted } from "../waiting.ts";
import { userNetworkLimits } from "./limits.ts";
import {
  endSwitch,
  findSilentSwitch,
  findSwitch,
  hasOthers,
  hintSwitch,
  type SwitchPlace,
  startSwitch,
} from "./switch-process.ts";

/**
 * The oldest version whose switch understands all that this agent writes. Fields that a switch does not know
 * are ignored: whoever adds one that decides what passes writes the version of then here.
 */
const oldestSwitch = "0.3.0";

/** As much as the switch writes of itself, and more. */
const probeBytes = 1_024;

/** A switch that this agent has started. */
interface Started {
  readonly child: ChildProcess;
  readonly atMs: number;
  ended: boolean;
}

export class SwitchKeeper {
  readonly #place: SwitchPlace;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #path: string;
  /** Of the state file as it is; undefined: there is none, or it is damaged. */
  #hash: string | undefined;
  #plugs = 0;
  #started: Started | undefined;
  #backoffMs = 0;
  #startAtMs = 0;
  #timer: Timer | undefined;
  #detached = false;

  constructor(place: SwitchPlace, log: Log) {
    this.#place = place;
    this.#log = log;
    this.#path = join(place.directory, switchFiles.state);
  }

  /**
   * The picture in the state file, which an agent of before has left; null: none yet. Undefined: the file is
   * damaged. The switch goes on with what it has, until it is told of the next picture.
   */
  async read(): Promise<HostNetworking | null | undefined> {
    mkdirSync(this.#place.directory, { recursive: true, mode: 0o700 });
    try {
      const { state, hash } = await readSwitchState(this.#path);
      this.#hash = hash;
      this.#plugs = state.plugs.length;
      this.#lookSoon(0);
      return state.networking;
    } catch (error) {
      if (isMissing(error)) return null;
      this.#log.error(
        { error: String(error) },
        "the state of the switch is damaged: no port opens or closes",
      );
      return undefined;
    }
  }

  /** Tells the switch; with the last plug of all nodes it ends. @throws StatusError diskFull */
  want(state: SwitchState): Promise<void> {
    return this.#turns.run("switch", async () => {
      if (stateHash(JSON.stringify(state)) !== this.#hash) {
        this.#hash = await writeSwitchState(this.#path, state);
        this.#plugs = state.plugs.length;
        const living = await findSwitch(this.#place);
        await (living && hintSwitch(this.#place, living));
      }
      if (this.#plugs === 0) await this.#end();
      else this.#lookSoon(0);
    });
  }

  /**
   * Resolves when the switch does what the state file says. Without plugs nothing passes, and no switch is
   * needed for that. @throws hypervisorRefused or diskFull after a time, hypervisorRefused when nothing is
   * heard of other computers; AbortError
   */
  async applied(signal: AbortSignal): Promise<void> {
    const { clock } = this.#place;
    const deadlineMs = clock.monotonicMs() + userNetworkLimits.applyTimeoutMs;
    while (this.#plugs > 0) {
      throwIfAborted(signal);
      const said = await findSwitch(this.#place);
      if (said?.state !== undefined && said.state === this.#hash) return refuseDeaf(said);
      if (clock.monotonicMs() >= deadlineMs) throw (await this.#isFull()) ?? notApplied(said);
      await delay(clock, userNetworkLimits.applyProbePeriodMs, signal);
    }
  }

  /** Why the switch cannot say what it has applied; undefined: it has room for that. */
  async #isFull(): Promise<StatusError | undefined> {
    const probe = join(this.#place.directory, "room");
    try {
      await replaceFile(probe, "x".repeat(probeBytes), false);
      await rm(probe);
      return undefined;
    } catch (error) {
      return error instanceof StatusError ? error : undefined;
    }
  }

  /** What the switch has counted last, of all nodes, and how long ago; undefined: nothing yet. */
  async counters(): Promise<{ readonly text: string; readonly agoMs: number } | undefined> {
    try {
      await using file = await open(join(this.#place.home, switchFiles.counters));
      const { mtimeMs } = await file.stat();
      const agoMs = Math.max(0, Math.round(this.#place.clock.nowMs() - mtimeMs));
      return { text: await file.readFile("utf8"), agoMs };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The agent ends. `guests`: and so have they. */
  async detach(guests: boolean): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    if (guests) await this.#turns.run("switch", () => this.#leave());
  }

  /** The ports stay as they are: the node's next life plugs them in again. */
  async #leave(): Promise<void> {
    try {
      const { state } = await readSwitchState(this.#path);
      await writeSwitchState(this.#path, { ...state, plugs: [], gateways: undefined });
    } catch (error) {
      // Nobody is plugged in any more, whatever the file says.
      if (!isMissing(error))
        this.#log.warn({ error: String(error) }, "the switch was not told that a node ends");
    }
    await this.#end();
  }

  /** The switch goes on as long as another node has a plug. */
  async #end(): Promise<void> {
    this.#timer?.cancel();
    this.#started = undefined;
    if (!(await hasOthers(this.#place))) await endSwitch(this.#place);
  }

  #lookSoon(ms: number): void {
    if (this.#detached) return;
    this.#timer?.cancel();
    this.#timer = this.#place.clock.after(ms, () => void this.#lookInTurn());
  }

  async #lookInTurn(): Promise<void> {
    try {
      await this.#turns.run("switch", () => this.#look());
    } catch (error) {
      this.#log.error({ error: String(error) }, "the switch of this host could not be looked after");
    }
    if (this.#plugs > 0) this.#lookSoon(userNetworkLimits.switchLookPeriodMs);
  }

  /** Starts a switch when none lives, not too often; ends one that is of no use. */
  async #look(): Promise<void> {
    if (this.#detached || this.#plugs === 0) return;
    const nowMs = this.#place.clock.monotonicMs();
    const said = await findSwitch(this.#place);
    if (said !== undefined) return this.#judge(said, nowMs);
    if (this.#started?.ended === false || nowMs < this.#startAtMs) return;
    if ((await findSilentSwitch(this.#place)) === undefined) this.#start(nowMs);
    else this.#startAtMs = nowMs + userNetworkLimits.switchRestartBackoffMsMax;
  }

  async #judge(said: SwitchApplied, nowMs: number): Promise<void> {
    const { fault, release, pid } = said;
    if (this.#started === undefined || nowMs - this.#started.atMs > userNetworkLimits.provenAfterMs)
      this.#backoffMs = 0;
    if (release === ownVersion()) return;
    const isDeaf = fault !== null && said.state !== this.#hash;
    if (!isDeaf && !isOlder(release, oldestSwitch)) return;
    this.#log.warn(
      { pid, release, fault },
      "a switch of another version does not understand, and is replaced",
    );
    await endSwitch(this.#place);
  }

  #start(nowMs: number): void {
    const { switchRestartBackoffMsMin, switchRestartBackoffMsMax } = userNetworkLimits;
    this.#startAtMs = nowMs + this.#backoffMs;
    this.#backoffMs = Math.min(
      Math.max(2 * this.#backoffMs, switchRestartBackoffMsMin),
      switchRestartBackoffMsMax,
    );
    const started: Started = { child: startSwitch(this.#place), atMs: nowMs, ended: false };
    this.#started = started;
    const { child } = started;
    this.#log.info({ pid: child.pid }, "a switch was started for the guests of this host");
    child.once("exit", (code, signal) => {
      started.ended = true;
      if (this.#started === started && !this.#detached)
        this.#log.warn({ pid: child.pid, code, signal }, "the switch of this host has ended");
    });
    child.once("error", (error) => {
      started.ended = true;
      this.#log.error({ error: String(error) }, "the switch of this host could not be started");
    });
  }
}

/** Versions as `major.minor.patch`; what is none is older than all. */
function isOlder(release: string, than: string): boolean {
  const numbers = (text: string) => text.split(/[.-]/, 3).map((part) => Number(part) || 0);
  const [one, other] = [numbers(release), numbers(than)];
  const at = other.findIndex((number, index) => (one[index] ?? 0) !== number);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}

/** Guests of this computer reach each other meanwhile. */
function refuseDeaf({ underlayFault }: SwitchApplied): void {
  if (typeof underlayFault !== "string") return;
  const message = `No frames come from other computers: ${underlayFault}`;
  throw new StatusError("hypervisorRefused", message);
}

function notApplied(said: SwitchApplied | undefined): StatusError {
  const detail = said === undefined ? "No switch lives." : (said.fault ?? "It says nothing.");
  const message = "The switch of this host has not applied the networks' picture in time.";
  return new StatusError("hypervisorRefused", message, { detail });
}
