/**
 * Finds the guests of one node that a guard has to know of, in the kernel's process table alone, and looks
 * whether their disks are still theirs. For the guard's own small process: it asks nobody, reads only what
 * cannot wait for a disk or for another process, and never signals a process whose start time it has not just
 * compared.
 */
import { readdir, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { FencedGuest } from "../../../actors/node/guard/messages.ts";
import { parseStat } from "../process-stat.ts";
import { isGuestProgram, tagOfArgv } from "./guest-tag.ts";

export interface FoundGuest extends FencedGuest {
  readonly stopped: boolean;
  /** Of its disk, named after the epoch; undefined: its disk is nobody else's to take over. */
  readonly directory: string | undefined;
}

type Known = Pick<FoundGuest, "instanceId" | "epoch" | "directory">;

export class GuardScan {
  readonly #guests: string;
  /** By pid and start time; null: none of ours. */
  #known = new Map<string, Known | null>();

  /** `guests`: the real path of the directory that the node's guests work in. */
  constructor(guests: string) {
    this.#guests = guests;
  }

  /** Every fenced guest of the node whose process lives. */
  find(): readonly FoundGuest[] {
    const before = this.#known;
    this.#known = new Map();
    const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
    return pids.flatMap((name) => this.#look(Number(name), before) ?? []);
  }

  #look(pid: number, before: ReadonlyMap<string, Known | null>): FoundGuest | undefined {
    const line = readProc(`${pid}/stat`);
    const program = /\((?:qemu-system|setpriv)/.exec(line)?.[0];
    if (program === undefined) return undefined;
    const facts = parseStat(line);
    if (facts === undefined || facts.dead) return undefined;
    const key = `${pid}:${facts.startTicks}`;
    // The arguments of a process that hangs may take for ever to read: they are read once, when it is new.
    const known = before.get(key) ?? (before.has(key) ? null : this.#identify(pid));
    // What is still setpriv says nothing yet of what it becomes.
    if (known !== null || program !== "(setpriv") this.#known.set(key, known);
    if (known === null) return undefined;
    return { ...known, pid, startTicks: facts.startTicks, stopped: /^[Tt]$/.test(facts.state) };
  }

  #identify(pid: number): Known | null {
    const argv = readProc(`${pid}/cmdline`).split("\0");
    const tag = tagOfArgv(argv);
    if (tag?.fence !== true || !isGuestProgram(basename(linkOf(`${pid}/exe`)))) return null;
    const own = join(this.#guests, tag.instanceId);
    if (linkOf(`${pid}/cwd`) !== own) return null;
    const { instanceId, epoch } = tag;
    const disk = diskOf(argv);
    const directory = disk === undefined ? "" : dirname(resolve(own, disk));
    const named = basename(directory) === `${instanceId}.e${epoch}`;
    return { instanceId, epoch, directory: named ? directory : undefined };
  }
}

/** True while exactly this process lives. */
export function isSameProcess({ pid, startTicks }: FencedGuest): boolean {
  const facts = parseStat(readProc(`${pid}/stat`));
  return facts !== undefined && !facts.dead && facts.startTicks === startTicks;
}

/** The file of the root disk, as qemu/arguments.ts names it. */
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
    // Not of our making, or written over by its process.
    return undefined;
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    // It has ended since it was listed.
    return "";
  }
}

/** "(deleted)" follows when the program was upgraded, or the directory removed, under the process. */
function linkOf(path: string): string {
  try {
    return readlinkSync(`/proc/${path}`).replace(/ \(deleted\)$/, "");
  } catch {
    return "";
  }
}

/**
 * Whether the directories are there; none is answered of which nobody can tell. By the list of their parent
 * rather than one by one: a network file system asks its server anew for a list. May take as long as the
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
