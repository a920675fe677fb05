/**
 * The cgroup hierarchies that this process sees: version 1 (one for each controller, or for several), version
 * 2, both beside each other, or none. It reads what the kernel says of mounts and changes nothing.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** What a guest is bounded by. */
export const controllers = ["memory", "pids", "cpu"] as const;
export type Controller = (typeof controllers)[number];

export interface Hierarchy {
  readonly version: 1 | 2;
  /** Directory of its topmost cgroup, and that cgroup's name in /proc. */
  readonly top: string;
  readonly root: string;
  /** Directory of the cgroup that this process is in. */
  readonly own: string;
  /** Controllers of a hierarchy of version 1; of version 2 each cgroup has its own list. */
  readonly controllers: readonly string[];
}

export function readHierarchies(): readonly Hierarchy[] {
  return hierarchiesOf(
    readFileSync("/proc/self/mountinfo", "latin1"),
    readFileSync("/proc/self/cgroup", "latin1"),
  );
}

/** The same, from the texts of /proc/self/mountinfo and /proc/self/cgroup. Source: proc(5), cgroups(7). */
export function hierarchiesOf(mounts: string, memberships: string): readonly Hierarchy[] {
  const found = mounts.split("\n").flatMap((line) => mounted(line) ?? []);
  const usable = found.flatMap((mount): readonly Hierarchy[] => {
    const path = membership(memberships, mount);
    // Outside of what is mounted (a container that sees a part only): nothing can be made beside it.
    const below = path === undefined ? ".." : relative(mount.root, path);
    if (below === ".." || below.startsWith("../")) return [];
    return [{ ...mount, own: join(mount.top, below) }];
  });
  // A hierarchy that is mounted twice is one; a later mount shows a part of it, as for a container.
  const once = Map.groupBy(usable, (one) => `${one.version}:${one.controllers}`);
  return [...once.values()].flatMap((same) => same.find(({ root }) => root === "/") ?? same.slice(0, 1));
}

type Mount = Omit<Hierarchy, "own">;

/** A hierarchy's mount; one that is mounted read-only cannot be used. */
function mounted(line: string): Mount | undefined {
  const [mount = "", system = ""] = line.split(" - ");
  const [, , , root = "", top = "", options = ""] = mount.split(" ");
  const [type = "", , superOptions = ""] = system.split(" ");
  if (!/^cgroup2?$/.test(type) || options.split(",").includes("ro")) return undefined;
  const version = type === "cgroup2" ? 2 : 1;
  const names = version === 2 ? [] : superOptions.split(",").filter((one) => !/^(?:rw|ro)$/.test(one));
  return { version, root: unescaped(root), top: unescaped(top), controllers: names };
}

/** Spaces and the like are written as three octal digits. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

function membership(text: string, { version, controllers: names }: Mount): string | undefined {
  for (const line of text.split("\n")) {
    const [id = "", listed = "", ...path] = line.split(":");
    const same = version === 2 ? id === "0" && listed === "" : listed !== "" && isSameList(listed, names);
    if (same) return path.join(":");
  }
  return undefined;
}

/** Options of the mount (`xattr`, `release_agent=`) stand among its controllers. */
const isSameList = (listed: string, names: readonly string[]): boolean =>
  listed.split(",").every((one) => names.includes(one));
