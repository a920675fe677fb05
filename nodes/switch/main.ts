/**
 * The switch's process, one for all compute nodes of a computer with the driver `user`: carries Ethernet
 * frames between the guests of a network, and lives apart from the agents, which may end and begin meanwhile.
 * What it does is said by a file of each node, in a directory of the node's own below this one (state.ts);
 * without them nothing passes. Ended by SIGTERM, and by the removal of its directory. When another switch has
 * the directory, it ends at once, with 0.
 *
 *   node nodes/switch/main.ts --directory DIRECTORY
 */
import "../process/umask.ts";
import { type FSWatcher, ftruncateSync, readdirSync, watch, writeSync } from "node:fs";
import { utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ownVersion } from "../package/program-files.ts";
import { proofOf } from "../process/owned-process.ts";
import { type KeptConnection, readKept } from "./kept-connections.ts";
import { switchLimits } from "./limits.ts";
import { messageOf, NodeState } from "./node-state.ts";
import { takeLock } from "./only-one.ts";
import { Pace } from "./pace.ts";
import { Report } from "./reports.ts";
import { replaceFile, switchFiles } from "./state.ts";
import { Switch } from "./switch.ts";
import { together } from "./together.ts";

let logBytes = 0;

/** Writes one line to the log (standard error), which starts again when it has become too long. */
function say(text: string): void {
  const line = `${new Date().toISOString()} ${text}\n`;
  try {
    logBytes += line.length;
    if (logBytes > switchLimits.switchLogBytesMax) ftruncateSync(2);
    if (logBytes > switchLimits.switchLogBytesMax) logBytes = line.length;
    writeSync(2, line);
  } catch {
    // A full disk, or a log that is no file: the frames matter more.
    logBytes = 0;
  }
}

class SwitchProcess {
  readonly #home: string;
  readonly #switch: Switch;
  readonly #pace = new Pace();
  /** By the name of its directory. */
  readonly #nodes = new Map<string, NodeState>();
  readonly #counters: Report;
  readonly #connections: Report;
  readonly #watcher: FSWatcher | undefined;
  /** Every node that was there has been looked at once. */
  #hasBegun = false;
  /** What is in the file of the counters. */
  #counted = "";
  /** Of the connections in their file, and when it was written. */
  #keptChanges = 0;
  #keptAtMs = performance.now();

  constructor(home: string, kept: readonly KeptConnection[]) {
    this.#home = home;
    const changed = () => {
      for (const node of this.#nodes.values()) node.due();
    };
    this.#switch = new Switch({ say, changed });
    this.#switch.takeOver(kept);
    const failed = (error: unknown) => say(`a file could not be written: ${messageOf(error)}`);
    this.#counters = new Report(() => this.#writeCounters(), failed);
    this.#connections = new Report(() => this.#writeConnections(), failed);
    setInterval(() => this.#counters.due(), switchLimits.countersPeriodMs).unref();
    setInterval(() => this.#connections.due(), switchLimits.connectionsKeepPeriodMs).unref();
    setInterval(() => this.look(), switchLimits.statePeriodMs);
    this.#watcher = watched(home, () => this.look());
    this.look();
  }

  /** Some node says that its state is new. */
  told(): void {
    this.look();
    for (const node of this.#nodes.values()) node.told();
  }

  /** Takes up nodes whose directory is new, and lets go of nodes whose directory is gone. */
  look(): void {
    const there = new Set(directoriesIn(this.#home));
    for (const [name, node] of this.#nodes) {
      if (there.has(name)) continue;
      node.close();
      this.#nodes.delete(name);
      this.#apply();
    }
    for (const name of there) if (!this.#nodes.has(name)) this.#nodes.set(name, this.#nodeOf(name));
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    for (const node of this.#nodes.values()) node.close();
    this.#switch.close();
    await this.#writeConnections();
  }

  #nodeOf(name: string): NodeState {
    return new NodeState(join(this.#home, name), this.#pace, {
      changed: () => this.#apply(),
      say,
      process: ({ state }) => {
        const wanted = state?.plugs ?? [];
        const [plugs, underlayFault] = [
          this.#switch.connectedOf(wanted),
          this.#switch.underlayFaultOf(wanted),
        ];
        return { pid: process.pid, startTicks, release, plugs, underlayFault };
      },
    });
  }

  /** The first state judges the connections of the switch before: it must be that of all nodes. */
  #apply(): void {
    const nodes = [...this.#nodes.values()];
    this.#hasBegun ||= nodes.every(({ isRead }) => isRead);
    if (this.#hasBegun) this.#switch.apply(together(nodes.flatMap(({ state }) => state ?? [])));
  }
  async #writeConnections(): Promise<void> {
    const { keptChanges } = this.#switch;
    const nowMs = performance.now();
    // An old file is written again, though no connection has changed: the next switch believes young files.
    const isOld = nowMs - this.#keptAtMs > switchLimits.connectionsKeptMs / 10;
    if (keptChanges === this.#keptChanges && !isOld) return;
    await replaceFile(join(this.#home, switchFiles.connections), this.#switch.keptText(), false);
    this.#keptChanges = keptChanges;
    this.#keptAtMs = nowMs;
  }

  async #writeCounters(): Promise<void> {
    const text = JSON.stringify(this.#switch.counters());
    const path = join(this.#home, switchFiles.counters);
    // The file says by its time as of when it is.
    if (text === this.#counted) return touch(path);
    await replaceFile(path, text, false);
    this.#counted = text;
  }
}

/** Of a file that is gone, the next change makes another one. */
const touch = (path: string): Promise<void> =>
  utimes(path, new Date(), new Date()).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });

function directoriesIn(home: string): readonly string[] {
  try {
    return readdirSync(home, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
  } catch {
    return [];
  }
}

/** Undefined: the kernel has no watch left; looking has to do. */
function watched(home: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(home, changed);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

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
