/** What can be read of server groups besides their rows. Types only. */
import type { GroupHost, GroupMember } from "../records/placement.ts";

export interface ServerGroupReads {
  /** Members of the group that are not deleted, in order of id; at most `limit`. */
  members(groupId: string, limit: number): Promise<readonly GroupMember[]>;
  /** The hosts of the group's members, without the instance `except`; in order of host id. */
  hosts(groupId: string, except?: string): Promise<readonly GroupHost[]>;
}
