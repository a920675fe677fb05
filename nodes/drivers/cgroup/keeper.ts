/** The cgroups of guests as holdings of their host: listed by the kernel, released when unneeded. */
import type { Holding, Keeper } from "../../../actors/ports/keeper.ts";
import { groupName } from "./group-name.ts";
import type { GuestGroups } from "./guest-groups.ts";

export class GroupKeeper implements Keeper {
  readonly kind = "cgroup";
  readonly #groups: GuestGroups;

  constructor(groups: GuestGroups) {
    this.#groups = groups;
  }

  async list(): Promise<readonly Holding[]> {
    return this.#groups.list().map((tag): Holding => {
      const { instanceId, ownerEpoch } = tag;
      const holding = { instanceId, ownerEpoch, what: `cgroup ${groupName(tag)}` };
      return this.#groups.isPopulated(tag) ? { ...holding, populated: true } : holding;
    });
  }

  /**
   * With those of older owner epochs, and never that of a newer one. Ends the processes in it as well.
   * @throws StatusError guestFailed when they do not end in time
   */
  release({ instanceId, ownerEpoch }: Holding, signal: AbortSignal): Promise<void> {
    return this.#groups.remove(instanceId, signal, ownerEpoch);
  }
}
