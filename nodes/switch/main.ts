/**
 * The switch's process, one for each compute node with the driver `user`: carries Ethernet frames between the
 * guests of a network, and lives apart from the agent, which may end and begin meanwhile. What it does is
 * said by a file that the driver writes (state.ts); without that file nothing passes. Ended by SIGTERM, and
 * by the removal of its directory. When another switch has the directory, it ends at once, with 0.
 *
 *   node nodes/switch/main.ts --directory DIRECTORY
 */
import "../process/umask.ts";
import { ftruncateSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ownVersion } from "../package/program-files.ts";
import { proofOf } from "../process/owned-process.ts";
import { type KeptConnection, readKept } from "./kept-connections.ts";
import { switchLimits } from "./limits.ts";
import { takeLock } from "./only-one.ts";
import { Report } from "./reports.ts";
import {
  readSwitchState,
  replaceFile,
  type SwitchApplied,
  switchFiles,
  writeSwitchApplied,
} from "./state.ts";
import { StateWatch } from "./state-watch.ts";
import { Switch } from "./switch.ts";

let logBytes = 0;

/** Writes one line to the log (standard error), which starts again when it has become too long. */
function say(text: string): void {
  const line = `${new Date().toISOString()} ${text}\n`;
  try {
    logBytes += line.length;
    if (logBytes > switchLimits.logBytesMax) ftruncateSync(2);
    if (logBytes > switchLimits.logBytesMax) logBytes = line.length;
    writeSync(2, line);
  } catch {
    // A full disk, or a log that is no file: the frames matter more.
    logBytes = 0;
  }
}

class SwitchProcess {
  readonly #directory: string;
  readonly #switch: Switch;
  readonly #applied: Report;
  readonly #counters: Report;
  readonly #connections: Report;
  readonly #watch: StateWatch;
  #state: Pick<SwitchApplied, "version" | "state" | "fault"> = { version: null, state: null, fault: null };

  /** What is in the file of the counters. */
  #counted = "";

  /** Of the connections in their file, and when it was written. */
  #keptChanges = 0;
  #keptAtMs = performance.now();

  constructor(directory: string, kept: readonly KeptConnection[]) {
    this.#directory = directory;
    this.#switch = new Switch({ say, changed: () => this.#applied.due() });
    this.#switch.takeOver(kept);
    const failed = (error: unknown) => say(`a file could not be written: ${messageOf(error)}`);
    this.#applied = new Report(() => this.#writeApplied(), failed);
    this.#counters = new Report(() => this.#writeCounters(), failed);
    this.#connections = new Report(() => this.#writeConnections(), failed);
    this.#applied.due();
    this.#watch = new StateWatch(this.#file("state"), () => this.#read());
    setInterval(() => this.#counters.due(), switchLimits.countersPeriodMs).unref();
    setInterval(() => this.#connections.due(), switchLimits.connectionsKeepPeriodMs).unref();
  }

  /** The driver says that the state is new. */
  told(): void {
    this.#watch.ask();
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#switch.close();
    await this.#writeConnections();
  }

  #file(name: keyof typeof switchFiles): string {
    return join(this.#directory, switchFiles[name]);
  }

  /** A file that cannot be used leaves what is applied as it is. */
  async #read(): Promise<void> {
    try {
      const { state, hash } = await readSwitchState(this.#file("state"));
      if (hash !== this.#state.state) this.#switch.apply(state);
      this.#state = { version: state.networking?.version ?? null, state: hash, fault: null };
    } catch (error) {
      const fault = messageOf(error);
      if (fault !== this.#state.fault) say(`the state is not applied: ${fault}`);
      this.#state = { ...this.#state, fault };
    }
    this.#applied.due();
  }

  #writeApplied(): Promise<void> {
    const { connectedCount: plugs } = this.#switch;
    const applied = { pid: process.pid, startTicks, release, plugs, ...this.#state };
    return writeSwitchApplied(this.#file("applied"), applied);
  }

  async #writeConnections(): Promise<void> {
    const { answeredChanges } = this.#switch;
    const nowMs = performance.now();
    // An old file is written again, though no connection has changed: the next switch believes young files.
    const isOld = nowMs - this.#keptAtMs > switchLimits.connectionsKeptMs / 10;
    if (answeredChanges === this.#keptChanges && !isOld) return;
    await replaceFile(this.#file("connections"), this.#switch.keptText(), false);
    this.#keptChanges = answeredChanges;
    this.#keptAtMs = nowMs;
  }

  async #writeCounters(): Promise<void> {
    const text = JSON.stringify(this.#switch.counters());
    if (text === this.#counted) return;
    await replaceFile(this.#file("counters"), text, false);
    this.#counted = text;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const { directory: given } = parseArgs({ options: { directory: { type: "string" } } }).values;
if (given === undefined) throw new Error("Usage: node nodes/switch/main.ts --directory DIRECTORY");
const directory = resolve(given);
// By which the driver proves that the process is the directory's.
process.chdir(directory);
const release = ownVersion();
const startTicks = Number(proofOf(process.pid, directory)?.startTicks ?? 0);
const lock = takeLock(join(directory, switchFiles.lock));
if (lock === undefined) {
  say(`another switch has ${directory}`);
  process.exit(0);
}
const own = new SwitchProcess(directory, await readKept(join(directory, switchFiles.connections)));
process.on("SIGHUP", () => own.told());
process.on("SIGTERM", () => {
  say("told to end");
  own
    .close()
    .catch((error: unknown) => say(`its connections could not be written: ${messageOf(error)}`))
    .finally(() => process.exit(0));
});
setInterval(() => {
  if (!lock.isThere()) process.exit(0);
}, switchLimits.homeLookPeriodMs);
say(`it switches for ${directory} as process ${process.pid}`);
