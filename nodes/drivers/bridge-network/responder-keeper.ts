/**
 * Keeps a responder alive in the fabric, and tells it whom to answer. One that runs stays when the agent
 * ends; one of another version is replaced. It is in the fabric's directory, so that it goes with the
 * fabric.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { ownVersion } from "../../package/program-files.ts";
import {
  type AnsweredGuest,
  type ResponderProcess,
  type ResponderState,
  readResponderProcess,
  responderFiles,
} from "../../responder/state.ts";
import { isDiskFull, writeDurably } from "../durable-file.ts";
import { openProcessLog } from "../process-log.ts";
import { livingStat } from "../process-owners.ts";
import type { FabricEntrance } from "./filter.ts";
import { residentEnvironment } from "./holder.ts";
import { ruleLimits } from "./rules/limits.ts";

export interface ResponderParts {
  /** The file of the program. */
  readonly program: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class ResponderKeeper {
  readonly #parts: ResponderParts;
  #fabric: FabricEntrance | undefined;
  #child: ChildProcess | undefined;
  #timer: Timer | undefined;
  /** Not before: one that ends soon after its start would else be started every second. */
  #startAtMs = 0;
  #pauseMs: number = ruleLimits.responderLookPeriodMs;
  #unanswered: string | undefined;
  /** The last sign of life that was seen, and when it was seen first. */
  #beat: { readonly at: bigint; readonly sinceMs: number } | undefined;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /** Why guests are not answered; undefined: they are, or there are none. */
  get unanswered(): string | undefined {
    return this.#fabric === undefined ? undefined : this.#unanswered;
  }

  /** Ports that are not in the state are not answered. @throws StatusError diskFull, when others are to be */
  async want(state: ResponderState, fabric: FabricEntrance): Promise<void> {
    const path = join(fabric.directory, responderFiles.state);
    const text = JSON.stringify(state);
    const before = await readFile(path, "utf8").catch(() => undefined);
    if (before !== text)
      await writeDurably(path, text).catch((error: unknown) => {
        // What only goes must go on a full disk too: no question of it comes to the responder any more.
        if (!isDiskFull(error) || !answersAll(before, state)) throw error;
        this.#parts.log.warn({}, "the responder is told of a port's end when there is room");
      });
    this.#fabric = state.guests.length + (state.guests6 ?? []).length === 0 ? undefined : fabric;
    if (this.#timer === undefined) await this.#look();
  }

  /** The responder goes on. */
  detach(): void {
    this.#fabric = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const fabric = this.#fabric;
    if (fabric === undefined) {
      this.#timer = undefined;
      return;
    }
    try {
      await this.#ensure(fabric);
      this.#unanswered = await this.#faultIn(fabric);
    } catch (error) {
      this.#unanswered = `The responder could not be started: ${String(error)}`;
      this.#parts.log.error({ error: String(error) }, "nobody answers what guests ask their host");
    }
    this.#timer?.cancel();
    this.#timer =
      this.#fabric === undefined
        ? undefined
        : this.#parts.clock.after(ruleLimits.responderLookPeriodMs, () => void this.#look());
  }

  async #ensure(fabric: FabricEntrance): Promise<void> {
    if (this.#child !== undefined || this.#parts.clock.monotonicMs() < this.#startAtMs) return;
    const said = await readResponderProcess(join(fabric.directory, responderFiles.process));
    if (said !== undefined && isAlive(said)) {
      if (said.release === ownVersion()) return;
      process.kill(said.pid, "SIGTERM");
    }
    await this.#start(fabric);
  }

  /** The fault that the responder writes down itself; a responder that hangs no longer touches its file. */
  async #faultIn({ directory }: FabricEntrance): Promise<string | undefined> {
    const path = join(directory, responderFiles.process);
    const [said, touched] = await Promise.all([readResponderProcess(path), touchedAt(path)]);
    const nowMs = this.#parts.clock.monotonicMs();
    const isAway = said === undefined || !isAlive(said);
    if (!isAway && touched !== this.#beat?.at) this.#beat = { at: touched, sinceMs: nowMs };
    this.#beat ??= { at: touched, sinceMs: nowMs };
    const isSilent = nowMs - this.#beat.sinceMs > ruleLimits.responderSilenceMsMax;
    if (isAway) return isSilent ? "The responder does not stay alive." : undefined;
    return (said.fault ?? undefined) || (isSilent ? "The responder is there, and does nothing." : undefined);
  }

  async #start(fabric: FabricEntrance): Promise<void> {
    const [{ program, log, clock }, { directory }] = [this.#parts, fabric];
    const entrance = await fabric.path();
    const beganAtMs = clock.monotonicMs();
    this.#startAtMs = beganAtMs + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, ruleLimits.responderPauseMsMax);
    const file = openProcessLog(join(directory, responderFiles.log));
    try {
      const argv = [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        program,
        "--directory",
        directory,
      ];
      const child = spawn("nsenter", [`--net=${entrance}`, ...argv], {
        cwd: directory,
        env: residentEnvironment(directory),
        detached: true,
        stdio: ["ignore", file, file],
      });
      this.#child = child;
      child.unref();
      child.once("exit", (code, signal) => {
        this.#child = undefined;
        const hasLasted = clock.monotonicMs() - beganAtMs >= ruleLimits.responderPauseMsMax;
        if (hasLasted) [this.#startAtMs, this.#pauseMs] = [0, ruleLimits.responderLookPeriodMs];
        if (this.#fabric !== undefined) log.warn({ code, signal }, "the responder of this host has ended");
      });
      child.once("error", (error) => {
        this.#child = undefined;
        log.error({ error: String(error) }, "the responder of this host could not be started");
      });
    } finally {
      if (file !== "ignore") closeSync(file);
    }
  }
}

/** Whether the responder answers all of these already. `before`: of the file; undefined: there is none. */
function answersAll(before: string | undefined, { guests, guests6 = [] }: ResponderState): boolean {
  const known = new Set(guestsIn(before).map(textOf));
  return [...guests, ...guests6].every((guest) => known.has(textOf(guest)));
}

/** Without the list of all the guest's ports, which is shorter when an interface goes. */
function textOf(guest: unknown): string {
  const { told, ...rest }: Partial<AnsweredGuest> = Object(guest);
  return JSON.stringify([rest, told?.path, told?.instanceId]);
}

function guestsIn(text = "{}"): readonly unknown[] {
  try {
    const { guests, guests6 } = JSON.parse(text) as { guests?: unknown; guests6?: unknown };
    return [guests, guests6].flatMap((some) => (Array.isArray(some) ? some : []));
  } catch {
    return [];
  }
}

/** 0: there is no such file. */
const touchedAt = (path: string): Promise<bigint> =>
  stat(path, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs,
    () => 0n,
  );

const isAlive = ({ pid, startTicks }: ResponderProcess): boolean =>
  livingStat(pid)?.startTicks === startTicks;
