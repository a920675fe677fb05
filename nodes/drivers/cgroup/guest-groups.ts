/**
 * The cgroups of a host's guests: one for each guest in every hierarchy that is needed, made before its
 * process and removed after it. The kernel remembers all of it, and this file nothing but where. It must
 * never start a guest outside of the bounds that its host has, and never remove a cgroup with a process.
 */
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Bounding, Loss } from "../../../actors/ports/hypervisor.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { GuestTag } from "../qemu/guest-tag.ts";
import { delay } from "../waiting.ts";
import { type BoundedSpec, type Bounds, boundsOf, settingsOf, weightFile } from "./bounds.ts";
import { codeOf, conditionOfGroup, isAbsent, killGroup, processesOf, textOf } from "./control.ts";
import { groupName, hostGroupName, parseGroupName } from "./group-name.ts";
import { cgroupLimits } from "./limits.ts";
import { lossOf } from "./loss.ts";
import { openPlaces, type Place, type Places, type PlacesOptions } from "./places.ts";

export interface GuestGroupsOptions extends Omit<PlacesOptions, "name"> {
  /** The host's name among the hosts of the computer. */
  readonly host: string;
  readonly clock: Clock;
  /** Told which bounds the kernel refuses. */
  readonly log?: Pick<Log, "warn">;
}

export class GuestGroups {
  readonly #options: GuestGroupsOptions;
  readonly #opened: Places;
  /** What the log has been told. */
  readonly #said = new Set<string>();

  constructor(options: GuestGroupsOptions) {
    this.#options = options;
    this.#opened = this.#open();
    this.#settle();
  }

  /** Makes the host's own cgroups, which are there while it has guests. */
  #open(): Places {
    const { host, clock: _clock, log: _log, ...options } = this.#options;
    return openPlaces({ ...options, name: hostGroupName(host) });
  }

  get bounding(): Bounding {
    return this.#opened.bounding;
  }

  /** The host's cgroup whose guests can be frozen; undefined: there is none. */
  get freezer(): string | undefined {
    return this.#opened.freezer?.directory;
  }

  /**
   * Makes the cgroups of a guest that is about to be started, with its bounds; answers their directories.
   * What an earlier process of the same guest has left there is ended first.
   * @throws StatusError hypervisorRefused; AbortError
   */
  async make(tag: GuestTag, spec: BoundedSpec, signal?: AbortSignal): Promise<readonly string[]> {
    await this.remove(tag.instanceId, signal);
    // Nothing is awaited from here on: another guest's end would remove the host's cgroups.
    const { places, bounding } = this.#open();
    this.#compare(bounding);
    try {
      const made = places.map((place) => this.#makeGroup(place, tag, boundsOf(spec)));
      for (const place of places) this.#weigh(place);
      return made;
    } catch (cause) {
      const message = `The bounds of instance ${tag.instanceId} could not be set on its host.`;
      throw new StatusError("hypervisorRefused", message, { cause, detail: String(cause) });
    }
  }

  /**
   * Ends every process in the cgroups of an instance, and removes them. `ownerEpochMax`: those of this owner
   * epoch and older ones; absent: of whichever. Idempotent.
   * @throws StatusError guestFailed when one is not empty in time; AbortError
   */
  async remove(instanceId: string, signal?: AbortSignal, ownerEpochMax?: number): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + cgroupLimits.emptyTimeoutMs;
    let left = this.directoriesOf(instanceId, ownerEpochMax);
    if (left.length === 0) return;
    for (const directory of left) if (isPopulated(directory)) killGroup(directory);
    for (;;) {
      left = left.filter((directory) => !removeIfEmpty(directory));
      if (left.length === 0) break;
      if (clock.monotonicMs() >= deadlineMs) {
        const message = `A process of instance ${instanceId} could not be ended.`;
        throw new StatusError("guestFailed", message, { detail: left.join(" ") });
      }
      await delay(clock, cgroupLimits.emptyProbePeriodMs, signal);
    }
    this.#settle();
  }

  /** Why the guest's process ended, as far as its cgroups tell; asked before they are removed. */
  lossOf(tag: GuestTag): Loss | undefined {
    return lossOf(
      this.#opened.places.map((place) => ({ place, directory: join(place.directory, groupName(tag)) })),
    );
  }

  /** Whether the kernel shows every thread of the guest frozen. */
  isFrozen(tag: GuestTag): boolean {
    const { freezer } = this;
    return freezer !== undefined && conditionOfGroup(join(freezer, groupName(tag))) === "frozen";
  }

  /** Whether a process is left in any of the guest's cgroups. */
  isPopulated(tag: GuestTag): boolean {
    return this.#opened.places.some(({ directory }) => isPopulated(join(directory, groupName(tag))));
  }

  /** What there is of guests, with or without processes. */
  list(): readonly GuestTag[] {
    const names = this.#opened.places.flatMap(({ directory }) => namesIn(directory));
    return [...new Set(names)].flatMap((name) => parseGroupName(name) ?? []);
  }

  /**
   * Removes what guests have left, and ends what is in the cgroups of instances without a `living` guest: it
   * broke out of one, and would write on. What does not end is said in the log. Only while no guest is being
   * started.
   */
  async sweep(living: ReadonlySet<string>): Promise<void> {
    for (const { directory } of this.#opened.places)
      for (const name of namesIn(directory)) {
        const one = join(directory, name);
        if (!isPopulated(one)) removeIfEmpty(one);
      }
    this.#settle();
    const left = new Set(this.list().map(({ instanceId }) => instanceId));
    await Promise.all([...left].filter((id) => !living.has(id)).map((id) => this.#sweepOne(id)));
  }

  async #sweepOne(instanceId: string): Promise<void> {
    const { log } = this.#options;
    log?.warn({ instanceId }, "processes are left in the cgroup of a guest that is gone; they are ended");
    try {
      await this.remove(instanceId);
    } catch (error) {
      log?.warn({ instanceId, error: String(error) }, "what a guest has left could not be ended");
    }
  }

  /** The cgroups of an instance. `ownerEpochMax`: of this owner epoch and older ones; absent: of all. */
  directoriesOf(instanceId: string, ownerEpochMax = Number.POSITIVE_INFINITY): readonly string[] {
    const isMeant = (name: string): boolean => {
      const tag = parseGroupName(name);
      return tag?.instanceId === instanceId && tag.ownerEpoch <= ownerEpochMax;
    };
    return this.#opened.places.flatMap(({ directory }) =>
      namesIn(directory)
        .filter((name) => isMeant(name))
        .map((name) => join(directory, name)),
    );
  }

  /** After guests have gone. */
  #settle(): void {
    for (const place of this.#opened.places) if (!removeIfEmpty(place.directory)) this.#weigh(place);
  }

  /** What the host was registered with, and what a guest has that is started now. */
  #compare(bounding: Bounding): void {
    for (const what of ["memory", "processes", "cpu", "freezer"] as const) {
      const [before, now] = [this.bounding[what], bounding[what]];
      if (before === now) continue;
      const fields = { what, before, now, why: bounding.why };
      this.#sayOnce(`${what} ${now}`, fields, "guests are not bounded as when the agent started");
    }
  }

  #makeGroup(place: Place, tag: GuestTag, bounds: Bounds): string {
    const directory = join(place.directory, groupName(tag));
    mkdirSync(directory, { mode: 0o755 });
    for (const controller of place.controllers)
      for (const { file, text, optional } of settingsOf(controller, place.version, bounds)) {
        const path = join(directory, file);
        if (optional !== true) writeFileSync(path, text);
        else if (textOf(path) !== undefined) this.#try(path, text);
      }
    return directory;
  }

  /** The guests together weigh what they would weigh outside: else many would share the time of one. */
  #weigh({ version, directory, controllers }: Place): void {
    if (!controllers.includes("cpu")) return;
    const { file, most, least } = weightFile(version);
    const weights = namesIn(directory).map((name) => Number(textOf(join(directory, name, file)) ?? 0));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#try(join(directory, file), String(Math.min(most, Math.max(least, sum))));
  }

  /** What the kernel refuses here, guests run without. */
  #try(path: string, text: string): void {
    try {
      writeFileSync(path, text);
    } catch (error) {
      const file = basename(path);
      this.#sayOnce(
        `${file} ${codeOf(error)}`,
        { file, text, error: String(error) },
        "a bound of guests could not be set",
      );
    }
  }

  #sayOnce(what: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#options.log?.warn(fields, message);
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((one) =>
      one.isDirectory() && parseGroupName(one.name) !== undefined ? [one.name] : [],
    );
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** In a hierarchy of version 1 the list of processes is all that tells. */
function isPopulated(directory: string): boolean {
  const isOf2 = textOf(join(directory, "cgroup.events")) !== undefined;
  return isOf2 ? conditionOfGroup(directory) !== "empty" : processesOf(directory).length > 0;
}

/** False: a process is in it, or on its way out. */
function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (isAbsent(error)) return true;
    if (codeOf(error) === "EBUSY") return false;
    throw error;
  }
}
