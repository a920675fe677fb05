/**
 * The guests of a host that another host may take over, as the guard finds them by their cgroups: in the
 * kernel's list alone, whatever their programs are and whatever has become of them. What broke out of a guest
 * cannot leave its cgroup. Only where the disks are is read from files, beside other work, and nobody waits
 * for it: it must never keep a guest from being stopped.
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FencedGuest, GuestGroup } from "../../../actors/node/guard/messages.ts";
import { readFence } from "../fence-record.ts";
import { readGuardGroups } from "../guard-groups-file.ts";
import {
  codeOf,
  conditionOfGroup,
  freezeGroup,
  idOfGroup,
  isAbsent,
  killGroup,
  processesOf,
} from "./control.ts";
import { parseGroupName } from "./group-name.ts";

export interface GroupedGuest extends FencedGuest {
  readonly group: GuestGroup;
  /** The kernel shows every thread of it frozen. */
  readonly stopped: boolean;
  readonly processes: readonly number[];
  /** Directory of the disk; null: not one that others take over; undefined: not read yet. */
  readonly directory: string | null | undefined;
}

export class GuardGroups {
  readonly #directory: string;
  readonly #guests: string;
  #hosts: readonly string[];
  /** By the id of the cgroup. */
  readonly #directories = new Map<string, string | null>();
  #reading = false;

  /**
   * `directory`: the guard's own. `guests`: that of the host's guests. `held`: what the guard before has
   * frozen or killed is seen at once, before any file is read: else it would be taken for a process that
   * cannot be stopped.
   */
  constructor(directory: string, guests: string, held: readonly FencedGuest[] = []) {
    this.#directory = directory;
    this.#guests = guests;
    this.#hosts = [
      ...new Set(held.flatMap(({ group }) => (group === undefined ? [] : [dirname(group.path)]))),
    ];
  }

  /** The guests of which a process is left; takes some 50 µs for each. */
  list(): readonly GroupedGuest[] {
    const found = this.#hosts.flatMap((host) => namesIn(host).flatMap((name) => this.#see(host, name)));
    const ids = new Set(found.map(({ group }) => group.id));
    for (const id of this.#directories.keys()) if (!ids.has(id)) this.#directories.delete(id);
    return found;
  }

  #see(host: string, name: string): readonly GroupedGuest[] {
    const tag = parseGroupName(name);
    const path = join(host, name);
    const id = tag?.fence === true ? idOfGroup(path) : undefined;
    if (tag === undefined || id === undefined) return [];
    const condition = conditionOfGroup(path);
    if (condition === "empty") return [];
    const { instanceId, ownerEpoch } = tag;
    const processes = processesOf(path);
    const directory = this.#directories.get(id);
    const identity = { instanceId, ownerEpoch, pid: processes[0] ?? 0, startTicks: 0, group: { path, id } };
    return [{ ...identity, stopped: condition === "frozen", processes, directory }];
  }

  /** Reads where the cgroups are, and where the disks of new guests are. One at a time. */
  async read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      const hosts = await readGuardGroups(this.#directory);
      this.#hosts = [...new Set([...this.#hosts, ...(hosts ?? [])])];
      for (const guest of this.list()) {
        if (guest.directory !== undefined) continue;
        const fence = await readFence(this.#guests, guest);
        if (fence !== undefined) this.#directories.set(guest.group.id, fence.directory);
      }
    } finally {
      this.#reading = false;
    }
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    // The host's cgroup is there while it has guests.
    if (isAbsent(error)) return [];
    throw error;
  }
}

const deeds = {
  stop: (path: string) => freezeGroup(path, true),
  continue: (path: string) => freezeGroup(path, false),
  continueAgain: (path: string) => freezeGroup(path, false),
  kill: killGroup,
  killAgain: killGroup,
} as const;

/** Does it to exactly this cgroup; nothing to one that is gone. @throws the file system's error */
export function doToGroup(kind: keyof typeof deeds, { path, id }: GuestGroup): void {
  if (idOfGroup(path) !== id) return;
  try {
    deeds[kind](path);
  } catch (error) {
    if (!isAbsent(error)) throw new Error(`${kind} of ${path} failed: ${codeOf(error)}`, { cause: error });
  }
}
