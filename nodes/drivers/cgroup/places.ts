/**
 * Where the cgroups of a host's guests are made: in each hierarchy that is needed a cgroup of the host's own,
 * with the controllers that bound its guests. Root makes it at the top, like every container runtime without
 * systemd; another user in its own cgroup, which has to be delegated to it. What cannot be had is said with a
 * reason and never keeps a guest from being started.
 */
import { accessSync, constants, mkdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BoundBy, Bounding } from "../../../actors/ports/hypervisor.ts";
import { codeOf, processesOf, textOf } from "./control.ts";
import { type Controller, controllers, type Hierarchy, readHierarchies } from "./hierarchies.ts";

export interface Place {
  readonly version: 1 | 2;
  /** The host's cgroup. */
  readonly directory: string;
  /** Controllers that bound the guests of this cgroup. */
  readonly controllers: readonly Controller[];
}

export interface Places {
  readonly places: readonly Place[];
  /** The one whose cgroups can be frozen and killed. */
  readonly freezer: Place | undefined;
  readonly bounding: Bounding;
}

export interface PlacesOptions {
  /** Name of the host's cgroup. */
  readonly name: string;
  /** Absent: what the computer has. */
  readonly hierarchies?: readonly Hierarchy[];
  /** Absent: at the top for root, in the own cgroup for others. */
  readonly at?: "top" | "own";
  /** Why `hierarchies` are not all. Absent: they are. */
  readonly because?: string | undefined;
  /** Names of the controllers, for specs. Absent: those that bound guests. */
  readonly wanted?: readonly Controller[];
}

/** Makes what is missing. Idempotent. */
export function openPlaces(options: PlacesOptions): Places {
  const { name, wanted = controllers, at = process.getuid?.() === 0 ? "top" : "own" } = options;
  const hierarchies = options.hierarchies ?? readHierarchies();
  const trouble: string[] = options.because === undefined ? [] : [options.because];
  const made = hierarchies.flatMap((hierarchy) => {
    const base = at === "top" ? hierarchy.top : delegatedOf(hierarchy.own);
    const has = wanted.filter((one) => offered(hierarchy, base).includes(one));
    if (hierarchy.version === 1 && has.length === 0) return [];
    try {
      const { version } = hierarchy;
      return [version === 1 ? placeOf1(base, name, has) : placeOf2(base, name, has, trouble)];
    } catch (error) {
      trouble.push(`${base} cannot be used (${codeOf(error) || String(error)})`);
      return [];
    }
  });
  const freezer = made.find(({ version, directory }) => version === 2 && canFreeze(directory));
  // A hierarchy of version 2 that can neither bound nor freeze is of no use.
  const places = made.filter((one) => one === freezer || one.controllers.length > 0);
  return { places, freezer, bounding: boundingOf(places, freezer, trouble) };
}

/** Name of the cgroup beside the guests that the processes of the place are moved into. */
const asideName = "novact.agents";

/** The cgroup that was given to this user: an agent before may have moved this process aside already. */
const delegatedOf = (own: string): string => (basename(own) === asideName ? delegatedOf(dirname(own)) : own);

const offered = ({ version, controllers: names }: Hierarchy, base: string): readonly string[] =>
  version === 1 ? names : (textOf(join(base, "cgroup.controllers")) ?? "").trim().split(" ");

function placeOf1(base: string, name: string, has: readonly Controller[]): Place {
  const directory = join(base, name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  accessSync(join(directory, "cgroup.procs"), constants.W_OK);
  return { version: 1, directory, controllers: has };
}

function placeOf2(base: string, name: string, has: readonly Controller[], trouble: string[]): Place {
  const directory = join(base, name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  accessSync(join(directory, "cgroup.procs"), constants.W_OK);
  const enabled = has.filter((controller) => {
    try {
      enable(base, controller);
      enable(directory, controller);
      return true;
    } catch (error) {
      trouble.push(`${base} does not hand on ${controller} (${codeOf(error) || String(error)})`);
      return false;
    }
  });
  return { version: 2, directory, controllers: enabled };
}

/**
 * Hands a controller on to the cgroups in this one. A cgroup that has processes of its own cannot, unless it
 * is the topmost one: they are moved into one beside the guests.
 */
function enable(directory: string, controller: Controller): void {
  const file = join(directory, "cgroup.subtree_control");
  if ((textOf(file) ?? "").trim().split(" ").includes(controller)) return;
  try {
    writeFileSync(file, `+${controller}`);
  } catch (error) {
    if (codeOf(error) !== "EBUSY" || !isDelegated(directory)) throw error;
    moveAside(directory);
    writeFileSync(file, `+${controller}`);
  }
}

/** The cgroup was given to this process's user, with everything below. */
const isDelegated = (directory: string): boolean => {
  const { uid } = statSync(directory);
  return uid !== 0 && uid === process.getuid?.();
};

function moveAside(directory: string): void {
  const aside = join(directory, asideName);
  mkdirSync(aside, { recursive: true, mode: 0o755 });
  for (const pid of processesOf(directory)) {
    try {
      writeFileSync(join(aside, "cgroup.procs"), String(pid));
    } catch (error) {
      // It has ended since it was listed.
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }
}

/** Cgroups can be frozen since Linux 5.2; the file is in all but the topmost one. */
const canFreeze = (directory: string): boolean => textOf(join(directory, "cgroup.freeze")) !== undefined;

function boundingOf(
  places: readonly Place[],
  freezer: Place | undefined,
  trouble: readonly string[],
): Bounding {
  const by = (controller: Controller): BoundBy => {
    const place = places.find((one) => one.controllers.includes(controller));
    return place === undefined ? "none" : `v${place.version}`;
  };
  const bounding = { memory: by("memory"), processes: by("pids"), cpu: by("cpu") };
  const lacking = Object.entries(bounding).flatMap(([what, how]) => (how === "none" ? [what] : []));
  const isWhole = lacking.length === 0 && freezer !== undefined;
  const because = trouble.length === 0 ? "no cgroup hierarchy offers it" : trouble.join("; ");
  return { ...bounding, freezer: freezer === undefined ? "none" : "v2", why: isWhole ? "" : because };
}
