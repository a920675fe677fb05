/**
 * Finds the guests that a node's guard has to know of, by their cgroups or in the kernel's process table
 * alone, and checks whether their disks are still theirs. For the guard's own small process: it asks no other
 * process, and never signals a process whose start time it has not just compared.
 *
 * It must never wait for a process, which may be an attacker's: what is read of each process of the computer
 * is not in the process's memory, and its arguments are read only if its owner can be a guest's, beside other
 * work, and in bounded time. Guests that are known are looked at without the rest of the computer.
 */
import { readdir, readlinkSync } from "node:fs";
import { uptime } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { ProcessCondition } from "../../../actors/node/guard/condition.ts";
import type { FencedGuest } from "../../../actors/node/guard/messages.ts";
import type { GroupedGuest, GuardGroups } from "../cgroup/guard-groups.ts";
import { diskDirectory } from "../fence-record.ts";
import { isOfOneGuest } from "../guest-user.ts";
import { driverLimits } from "../limits.ts";
import { ArgumentReader } from "../process-arguments.ts";
import { listProcesses, livingStat, type SeenProcess } from "../process-owners.ts";
import { conditionOfTasks, sharedPartOf } from "../process-tasks.ts";
import { isGuestOwned, isHypervisor, mayBeGuest, mayOwnGuest } from "./guest-owner.ts";
import { tagOfArgv } from "./guest-tag.ts";

export interface FoundGuest extends FencedGuest {
  /** Every thread of the process is seen stopped. */
  readonly stopped: boolean;
  /**
   * Directory of the disk, named after the owner epoch; undefined: the disk is not one that another host can
   * take over, or is not known yet.
   */
  readonly directory: string | undefined;
  /** False: it is known from the guard before only, and what its disk is cannot be told yet. */
  readonly isRead: boolean;
}

interface Known extends Omit<FoundGuest, "stopped"> {
  /** Its program is QEMU, and nothing of the entry can change any more. */
  readonly isFinal: boolean;
  /** The user that the guest has for itself, and the network namespace of its node's guests. */
  readonly confined: Confinement | undefined;
}

interface Confinement {
  readonly uid: number;
  readonly network: string;
}

interface Candidate extends SeenProcess {
  readonly key: string;
  readonly startTicks: number;
}

/**
 * What a process's arguments tell. `beginning`: it may be on its way to its program; `silent`: it does not
 * answer. Neither is ever remembered.
 */
type Verdict = Known | "stranger" | "beginning" | "silent";

export interface ScanOptions {
  /** Absent: the arguments of the computer's processes. */
  readonly reader?: Pick<ArgumentReader, "read">;
  /** Age below which a process may be on its way to its program. */
  readonly youngMs?: number;
  /** The guests that have cgroups of their own. Absent: none has. */
  readonly groups?: Pick<GuardGroups, "list" | "read">;
}

export class GuardScan {
  readonly #guests: string;
  readonly #ownNetwork = linkOf("self/ns/net");
  readonly #reader: Pick<ArgumentReader, "read">;
  /** For processes beside a known guest: whatever these withhold, new guests are read. */
  readonly #readerBeside = new ArgumentReader({ ...readLimits, atOnce: 1 });
  readonly #ownUsers = linkOf("self/ns/user");
  /** The guests, by pid and start time. */
  readonly #known = new Map<string, Known>();
  /** Processes that are no guests of this guard, and cannot become any; those that live. */
  #strangers = new Set<string>();

  readonly #youngMs: number;
  readonly #groups: ScanOptions["groups"];
  /** Ids of the cgroups whose guests are known by them, and not by their processes. */
  #grouped = new Set<string>();
  /** Those that the guard before has frozen or killed: signals cannot stop their processes. */
  readonly #heldGroups = new Set<string>();
  /** Known processes that have been seen in these cgroups. */
  readonly #members = new Set<string>();

  /**
   * `guests`: real path of the directory that the node's guests work in. `held`: what the guard before has
   * stopped or killed: known, though they may not be able to answer.
   */
  constructor(guests: string, held: readonly FencedGuest[] = [], options: ScanOptions = {}) {
    this.#guests = guests;
    this.#reader = options.reader ?? new ArgumentReader(readLimits);
    this.#youngMs = options.youngMs ?? driverLimits.youngProcessMs;
    this.#groups = options.groups;
    for (const { instanceId, ownerEpoch, pid, startTicks, group } of held) {
      if (group !== undefined) {
        this.#heldGroups.add(group.id);
        continue;
      }
      const identity = { instanceId, ownerEpoch, pid, startTicks };
      const unread = { directory: undefined, isRead: false, isFinal: false, confined: undefined };
      this.#known.set(keyOf(identity), { ...identity, ...unread });
    }
  }

  /** The living guests that are known; takes some 50 µs for each, and nothing for other processes. */
  known(): readonly FoundGuest[] {
    const grouped = this.#listGroups();
    const members = new Set(grouped.flatMap(({ processes }) => processes));
    const found: FoundGuest[] = [];
    for (const [key, { isFinal: _final, confined: _confined, ...guest }] of this.#known) {
      const condition = conditionNow(guest);
      if (members.has(guest.pid)) this.#members.add(key);
      // One whose first thread has ended is not listed in its cgroup, and the others are in it all the same.
      const isMember = members.has(guest.pid) || (this.#members.has(key) && hasEndedLeader(guest));
      if (condition === "gone") this.#forget(key);
      else if (!isMember) found.push({ ...guest, stopped: condition === "stopped" });
    }
    return [...grouped.map((guest) => this.#foundBy(guest)), ...found];
  }

  #forget(key: string): void {
    this.#known.delete(key);
    this.#members.delete(key);
  }

  /**
   * The guests that are known by their cgroups. One that was known by its process before stays so: the guard
   * may have stopped that, or the guard before it, which knew of no cgroups.
   */
  #listGroups(): readonly GroupedGuest[] {
    const known = new Set(
      [...this.#known.values()].flatMap(({ pid, isFinal, isRead }) => (isFinal || !isRead ? [pid] : [])),
    );
    const grouped = (this.#groups?.list() ?? []).filter(
      ({ group: { id }, processes }) =>
        this.#grouped.has(id) || this.#heldGroups.has(id) || !processes.some((pid) => known.has(pid)),
    );
    this.#grouped = new Set(grouped.map(({ group }) => group.id));
    return grouped;
  }

  /** Without a record of where its disk is, what its process shows of itself tells. */
  #foundBy({ processes, directory, ...guest }: GroupedGuest): FoundGuest {
    const shown = [...this.#known.values()].find(({ pid, isRead }) => isRead && processes.includes(pid));
    const isRead = directory !== undefined || shown !== undefined;
    return {
      ...guest,
      directory: directory === undefined ? shown?.directory : (directory ?? undefined),
      isRead,
    };
  }

  /** All living guests of the node that another host may take over. It answers in bounded time. */
  async find(): Promise<readonly FoundGuest[]> {
    await this.#readGroups();
    const seen = await listProcesses(
      (one) => mayBeGuest(one),
      (uid) => mayOwnGuest(uid),
    );
    // Nobody is beside a guest that has ended: it may be the same guest, begun anew.
    this.known();
    const candidates = seen.flatMap((one): readonly Candidate[] => {
      const startTicks = livingStat(one.pid)?.startTicks;
      return startTicks === undefined ? [] : [{ ...one, startTicks, key: keyOf({ ...one, startTicks }) }];
    });
    this.#strangers = new Set(candidates.map(({ key }) => key).filter((key) => this.#strangers.has(key)));
    const unknown = candidates.filter(
      ({ key }) => this.#known.get(key)?.isFinal !== true && !this.#strangers.has(key),
    );
    const verdicts = await Promise.all(unknown.map(async (one) => [one, await this.#identify(one)] as const));
    // A process that has entered its guest's cgroup meanwhile is known by the cgroup.
    this.known();
    for (const [one, verdict] of verdicts) if (typeof verdict === "object") this.#known.set(one.key, verdict);
    for (const [one, verdict] of verdicts)
      if (verdict === "stranger" || verdict === "silent") this.#accompany(one, verdict);
    return this.known();
  }

  /** A state directory that hangs keeps nobody from being found by their processes. */
  async #readGroups(): Promise<void> {
    if (this.#groups === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, driverLimits.guardArgumentPatienceMs);
    });
    await Promise.race([this.#groups.read(), patience]);
    clearTimeout(timer);
  }

  async #identify(one: Candidate): Promise<Verdict> {
    const reader = this.#besides(one) === undefined ? this.#reader : this.#readerBeside;
    const argv = await reader.read(one);
    // The pid is still this process's: what was read is its own.
    if (livingStat(one.pid)?.startTicks !== one.startTicks) return "beginning";
    if (argv === undefined) return "silent";
    // A program that begins has its name already, and no arguments yet: that proves nothing.
    if (argv.length === 0) return this.#isYoung(one) ? "beginning" : "silent";
    return this.#judge(one, argv);
  }

  #judge(one: Candidate, argv: readonly string[]): Verdict {
    const part = sharedPartOf(one.pid);
    const program = basename(linkOf(`${part}/exe`));
    const tag = tagOfArgv(argv);
    if (tag?.fence !== true || !isGuestOwned(tag.instanceId, { program, uids: one.uids })) return "stranger";
    const { instanceId, ownerEpoch } = tag;
    const own = join(this.#guests, instanceId);
    if (linkOf(`${part}/cwd`) !== own) return "stranger";
    const disk = diskOf(argv);
    const directory = diskDirectory({ instanceId, ownerEpoch }, disk && resolve(own, disk)) ?? undefined;
    const isFinal = isHypervisor(program);
    return {
      ...{ instanceId, ownerEpoch, pid: one.pid, startTicks: one.startTicks },
      ...{ directory, isRead: true, isFinal },
      confined: isFinal ? this.#confinementOf(one) : undefined,
    };
  }

  /**
   * Takes a process that shows nothing of a guest for one that it is beside. Who has answered, and is not
   * young, is not asked again.
   */
  #accompany(one: Candidate, verdict: "stranger" | "silent"): void {
    const { pid, startTicks, key } = one;
    const guest = this.#besides(one);
    const isFinal = verdict === "stranger" && !this.#isYoung(one);
    if (guest !== undefined) this.#known.set(key, { ...guest, pid, startTicks, isFinal });
    else if (isFinal && !this.#known.has(key)) this.#strangers.add(key);
  }

  /**
   * A known guest whose user and network namespace the process has: broken-out code can change its name and
   * arguments, and neither of these, but for a namespace of users of its own. Without a network namespace of
   * the node's guests the user alone does not tell: the next owner's guest has it as well, on another node of
   * this computer.
   */
  #besides(one: Candidate): Known | undefined {
    const confined = this.#confinementOf(one);
    if (confined === undefined) return undefined;
    const users = linkOf(`${one.pid}/ns/user`);
    const hasLeft = users !== "" && users !== this.#ownUsers;
    return [...this.#known.values()].find(
      (known) =>
        known.pid !== one.pid &&
        known.confined?.uid === confined.uid &&
        (hasLeft || known.confined.network === confined.network),
    );
  }

  #isYoung(one: Candidate): boolean {
    return ageMsOf(one) < this.#youngMs;
  }

  #confinementOf({ pid, uids: [uid = -1] }: Candidate): Confinement | undefined {
    const network = linkOf(`${pid}/ns/net`);
    const isConfined = isOfOneGuest(uid) && network !== "" && network !== this.#ownNetwork;
    return isConfined ? { uid, network } : undefined;
  }
}

const readLimits = {
  atOnce: driverLimits.argumentReadsMax,
  patienceMs: driverLimits.guardArgumentPatienceMs,
};

const keyOf = ({ pid, startTicks }: Pick<FencedGuest, "pid" | "startTicks">): string =>
  `${pid}:${startTicks}`;

/** Start times are counted in these, whatever the kernel's own clock. Source: proc(5), USER_HZ. */
const msPerTick = 10;

const ageMsOf = ({ startTicks }: Candidate): number => uptime() * 1_000 - startTicks * msPerTick;

function conditionNow(guest: FencedGuest): ProcessCondition {
  const facts = livingStat(guest.pid);
  if (facts?.startTicks !== guest.startTicks) return "gone";
  // A leader that runs needs no look at the other threads; one that has ended says nothing of them.
  return /^[TtZ]$/.test(facts.state) ? conditionOfTasks(guest.pid) : "running";
}

const hasEndedLeader = ({ pid }: FencedGuest): boolean => livingStat(pid)?.state === "Z";

/** True while exactly this process lives. */
export const isSameProcess = ({ pid, startTicks }: FencedGuest): boolean =>
  livingStat(pid)?.startTicks === startTicks;

/** The file of the root disk, or of a disk beside it, by their names in qemu/arguments.ts. */
function diskOf(argv: readonly string[]): string | undefined {
  for (const [index, option] of argv.entries()) {
    if (option !== "-blockdev") continue;
    const { "node-name": name, file } = Object(parsed(argv[index + 1] ?? ""));
    const filename: unknown = Object(file).filename;
    if (ownDisks.includes(String(name)) && typeof filename === "string") return filename;
  }
  return undefined;
}

/** They lie in one directory, and are taken over by its name: any of them tells. */
const ownDisks: readonly string[] = ["root", "ephemeral", "swap"];

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not one of our arguments, or overwritten by the process.
    return undefined;
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
