/**
 * Keeps a responder alive in the fabric, and tells it whom to answer. One that runs stays when the agent
 * ends; one of another version is replaced. It is in the fabric's directory, so that it goes with the
 * fabric.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { ownVersion } from "../../package/program-files.ts";
import {
  type ResponderProcess,
  type ResponderState,
  readResponderProcess,
  responderFiles,
} from "../../responder/state.ts";
import { writeDurably } from "../durable-file.ts";
import { livingStat } from "../process-owners.ts";
import { toolEnvironment } from "../tool.ts";
import type { FabricEntrance } from "./filter.ts";
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

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /** Ports that are not in the state are not answered. @throws StatusError diskFull */
  async want(state: ResponderState, fabric: FabricEntrance): Promise<void> {
    const path = join(fabric.directory, responderFiles.state);
    const text = JSON.stringify(state);
    if ((await readFile(path, "utf8").catch(() => undefined)) !== text) await writeDurably(path, text);
    this.#fabric = state.guests.length === 0 ? undefined : fabric;
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
    } catch (error) {
      this.#parts.log.error({ error: String(error) }, "nobody answers the guests' questions of DHCP");
    }
    this.#timer?.cancel();
    this.#timer =
      this.#fabric === undefined
        ? undefined
        : this.#parts.clock.after(ruleLimits.responderLookPeriodMs, () => void this.#look());
  }

  async #ensure(fabric: FabricEntrance): Promise<void> {
    if (this.#child !== undefined) return;
    const said = await readResponderProcess(join(fabric.directory, responderFiles.process));
    if (said !== undefined && isAlive(said)) {
      if (said.release === ownVersion()) return;
      process.kill(said.pid, "SIGTERM");
    }
    await this.#start(fabric);
  }

  async #start(fabric: FabricEntrance): Promise<void> {
    const [{ program, log }, { directory }] = [this.#parts, fabric];
    const entrance = await fabric.path();
    const file = openSync(join(directory, responderFiles.log), "a", 0o600);
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
        env: toolEnvironment,
        detached: true,
        stdio: ["ignore", file, file],
      });
      this.#child = child;
      child.unref();
      child.once("exit", (code, signal) => {
        this.#child = undefined;
        if (this.#fabric !== undefined) log.warn({ code, signal }, "the responder of this host has ended");
      });
      child.once("error", (error) => {
        this.#child = undefined;
        log.error({ error: String(error) }, "the responder of this host could not be started");
      });
    } finally {
      closeSync(file);
    }
  }
}

const isAlive = ({ pid, startTicks }: ResponderProcess): boolean =>
  livingStat(pid)?.startTicks === startTicks;
