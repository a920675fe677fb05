/** Where this computer's cgroups are: version 2 alone, or a hybrid whose controllers are of version 1. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const neededControllers = ["memory", "pids", "cpu"] as const;
export type Controller = (typeof neededControllers)[number];

export interface Hierarchies {
  /** Root of version 2: it freezes and kills, on hybrids too. */
  readonly unified: string;
  /** Root of the hierarchy that has the controller; its version decides about the names of its files. */
  readonly controllers: Readonly<Record<Controller, { readonly root: string; readonly version: 1 | 2 }>>;
}

/** The hierarchies, or a sentence that says what this computer lacks. */
export function findHierarchies(
  mounts = readFileSync("/proc/self/mounts", "utf8"),
  read: (path: string) => string = (path) => readFileSync(path, "utf8"),
): Hierarchies | string {
  const lines = mounts.split("\n").map((line) => line.split(" "));
  const unified = lines.find(([, , kind]) => kind === "cgroup2")?.[1];
  if (unified === undefined) return "No cgroup hierarchy of version 2 is mounted.";
  const ofUnified = read(join(unified, "cgroup.controllers")).trim().split(" ");
  const found = neededControllers.map((name) => {
    if (ofUnified.includes(name)) return [name, { root: unified, version: 2 as const }] as const;
    const root = lines.find(([, , kind, options]) => kind === "cgroup" && options?.split(",").includes(name));
    return [name, root?.[1] === undefined ? undefined : { root: root[1], version: 1 as const }] as const;
  });
  const missing = found.filter(([, where]) => where === undefined).map(([name]) => name);
  if (missing.length > 0) return `No cgroup hierarchy has the controller ${missing.join(", ")}.`;
  return { unified, controllers: Object.fromEntries(found) as Hierarchies["controllers"] };
}
