/**
 * The cgroups that a process is in: the guest whose they are, and whether it is frozen there. Nothing of the
 * process's own memory is read.
 */
import { readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { GuestTag } from "../qemu/guest-tag.ts";
import { conditionOfGroup } from "./control.ts";
import { isHostGroup, parseGroupName } from "./group-name.ts";
import { type Hierarchy, readHierarchies } from "./hierarchies.ts";

let unified: { readonly hierarchy: Hierarchy | undefined } | undefined;

/** Its directory; undefined: there is none, or the process has ended. */
export function groupOfProcess(pid: number): string | undefined {
  unified ??= { hierarchy: readHierarchies().find(({ version }) => version === 2) };
  const { hierarchy } = unified;
  if (hierarchy === undefined) return undefined;
  try {
    const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "latin1"))?.[1];
    return path === undefined ? undefined : join(hierarchy.top, relative(hierarchy.root, path));
  } catch {
    // It has ended.
    return undefined;
  }
}

/**
 * The guest of the host with this state directory in whose cgroup the process is, of whichever version.
 * Undefined: it is in none, or has ended. A process cannot choose this, and needs not answer for it; all that
 * it has begun is in the same one.
 */
export function guestOfMember(pid: number, stateDirectory: string): GuestTag | undefined {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, "latin1").split("\n");
    const own = lines
      .map((line) => line.slice(line.indexOf("/")))
      .find((path) => isHostGroup(basename(dirname(path)), stateDirectory));
    return own === undefined ? undefined : parseGroupName(basename(own));
  } catch {
    // It has ended.
    return undefined;
  }
}

/** True when the kernel shows every thread of the process's cgroup frozen. */
export function isFrozen(pid: number): boolean {
  const directory = groupOfProcess(pid);
  return directory !== undefined && conditionOfGroup(directory) === "frozen";
}
