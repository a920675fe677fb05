/**
 * Finds the guests that a node's guard has to know of, in the kernel's process table alone, and checks
 * whether their disks are still theirs. For the guard's own small process: it asks no other process, reads
 * only files that cannot wait for a disk or a process, and never signals a process whose start time it has
 * not just compared.
 */
import { readdir, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { FencedGuest } from "../../../actors/node/guard/messages.ts";
import { parseStat, parseUids } from "../process-stat.ts";
import { conditionOfTasks, sharedPartOf } from "../process-tasks.ts";
import { isGuestOwned, launcherNames } from "./guest-owner.ts";
import { tagOfArgv } from "./guest-tag.ts";

export interface FoundGuest extends FencedGuest {
  /** Every thread of the process is seen stopped. */
  readonly stopped: boolean;
  /**
   * Directory of the disk, named after the owner epoch; undefined: the disk is not one that another host can
   * take over.
   */
  readonly directory: string | undefined;
}

type Known = Pick<FoundGuest, "instanceId" | "ownerEpoch" | "directory">;

export class GuardScan {
  readonly #guests: string;
  /** The processes seen before, by pid and start time; null: not one of our guests. */
  #known = new Map<string, Known | null>();

  /** `guests`: real path of the directory that the node's guests work in. */
  constructor(guests: string) {
    this.#guests = guests;
  }

  /** All living guests of the node that another host may take over. */
  find(): readonly FoundGuest[] {
    const before = this.#known;
    this.#known = new Map();
    const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
    return pids.flatMap((name) => this.#look(Number(name), before) ?? []);
  }

  #look(pid: number, before: ReadonlyMap<string, Known | null>): FoundGuest | undefined {
    const line = readProc(`${pid}/stat`);
    const program = launcherNames.exec(line)?.[0];
    if (program === undefined) return undefined;
    const facts = parseStat(line);
    if (facts === undefined || facts.dead) return undefined;
    const key = `${pid}:${facts.startTicks}`;
    // Reading the arguments of a process that hangs may never return: they are read once, when the process is
    // new.
    const known = before.get(key) ?? (before.has(key) ? null : this.#identify(pid));
    // A process that is not QEMU yet is looked at again: its final program is not known.
    if (known !== null || program === "(qemu-system") this.#known.set(key, known);
    if (known === null) return undefined;
    // A leader that runs needs no look at the other threads; one that has ended says nothing of them.
    const condition = /^[TtZ]$/.test(facts.state) ? conditionOfTasks(pid) : "running";
    if (condition === "gone") return undefined;
    return { ...known, pid, startTicks: facts.startTicks, stopped: condition === "stopped" };
  }

  #identify(pid: number): Known | null {
    const part = sharedPartOf(pid);
    const argv = readProc(`${part}/cmdline`).split("\0");
    const tag = tagOfArgv(argv);
    if (tag?.fence !== true) return null;
    const uids = parseUids(readProc(`${pid}/status`));
    if (!isGuestOwned(tag.instanceId, { program: basename(linkOf(`${part}/exe`)), uids })) return null;
    const own = join(this.#guests, tag.instanceId);
    if (linkOf(`${part}/cwd`) !== own) return null;
    const { instanceId, ownerEpoch } = tag;
    const disk = diskOf(argv);
    const directory = disk === undefined ? "" : dirname(resolve(own, disk));
    const named = basename(directory) === `${instanceId}.e${ownerEpoch}`;
    return { instanceId, ownerEpoch, directory: named ? directory : undefined };
  }
}

/** True while exactly this process lives. */
export function isSameProcess({ pid, startTicks }: FencedGuest): boolean {
  const facts = parseStat(readProc(`${pid}/stat`));
  return facts !== undefined && !facts.dead && facts.startTicks === startTicks;
}

/** The file of the root disk, by its name in qemu/arguments.ts. */
function diskOf(argv: readonly string[]): string | undefined {
  for (const [index, option] of argv.entries()) {
    if (option !== "-blockdev") continue;
    const { "node-name": name, file } = Object(parsed(argv[index + 1] ?? ""));
    const filename: unknown = Object(file).filename;
    if (name === "root" && typeof filename === "string") return filename;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not one of our arguments, or overwritten by the process.
    return undefined;
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    // The process has ended since it was listed.
    return "";
  }
}

/**
 * The target of a link. "(deleted)" follows it when the program was upgraded, or the directory removed, while
 * the process runs.
 */
function linkOf(path: string): string {
  try {
    return readlinkSync(`/proc/${path}`).replace(/ \(deleted\)$/, "");
  } catch {
    return "";
  }
}

/**
 * Whether the directories exist; a directory whose state cannot be determined is left out. Lists their parent
 * instead of testing each: for a list, a network file system asks its server anew. May take as long as the
 * storage does.
 */
export async function lookAtDirectories(
  directories: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>();
  for (const parent of new Set(directories.map((directory) => dirname(directory)))) {
    const names = await namesIn(parent);
    if (names === undefined) continue;
    for (const directory of directories) {
      if (dirname(directory) === parent) found.set(directory, names.has(basename(directory)));
    }
  }
  return found;
}

function namesIn(directory: string): Promise<ReadonlySet<string> | undefined> {
  return new Promise((done) => {
    readdir(directory, (error, names) => done(error === null ? new Set(names) : undefined));
  });
}
