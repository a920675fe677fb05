/** Reads from memory where the members of server groups are. It changes nothing. */
import type { ServerGroupReads } from "../../actors/ports/server-group-reads.ts";
import type { GroupHost, GroupMember } from "../../actors/records/placement.ts";
import type { Tables } from "../rows/tables.ts";
import { membersOf, placesOf } from "../rules/group/memory.ts";

export class MemoryServerGroupReads implements ServerGroupReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async members(groupId: string, limit: number): Promise<readonly GroupMember[]> {
    const members = membersOf(this.#tables, groupId).slice(0, limit);
    return members.map(({ id, hostId }) => ({ instanceId: id, hostId }));
  }

  async hosts(groupId: string, except?: string): Promise<readonly GroupHost[]> {
    const members = new Map<string, number>();
    for (const { hostId } of placesOf(this.#tables, groupId, except))
      members.set(hostId, (members.get(hostId) ?? 0) + 1);
    const hostIds = [...members.keys()].sort();
    return hostIds.map((hostId) => ({ hostId, members: members.get(hostId) ?? 0 }));
  }
}
