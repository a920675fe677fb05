/** Names of directories on shared storage, and their order; see storage.ts. Pure. */
import type { SharedDisk } from "../../../protocol/machine.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";

export interface Found extends SharedDisk {
  /** `e`: a disk; `r`: a disk that is being removed. */
  readonly letter: "e" | "r";
}

/** The instance and owner epoch in a directory's name; undefined for names that are not ours. */
export function foundIn(name: string): Found | undefined {
  const [, instanceId, letter, ownerEpoch] = /^([^.]+)\.([er])([0-9]{1,15})$/.exec(name) ?? [];
  if (instanceId === undefined || !isToken(instanceId)) return undefined;
  return { instanceId, letter: letter === "e" ? "e" : "r", ownerEpoch: Number(ownerEpoch) };
}

/**
 * Directories being removed come first: one that a crash has left stands in the way of the next one's name.
 */
export const asideFirst = (one: Found, other: Found): number => other.letter.localeCompare(one.letter);

export function byInstance(one: SharedDisk, other: SharedDisk): number {
  if (one.instanceId === other.instanceId) return one.ownerEpoch - other.ownerEpoch;
  return one.instanceId < other.instanceId ? -1 : 1;
}
