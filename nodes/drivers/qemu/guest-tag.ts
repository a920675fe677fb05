/**
 * The name of a guest's process: its instance, its owner epoch, and whether another host may take it over.
 * The name is in the process's own arguments, so that the kernel's process table alone tells which processes
 * have to be stopped. The guard's process uses this file as well, so it must import nothing.
 */

export interface GuestTag {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  /** Absent: false. */
  readonly fence?: boolean | undefined;
}

/** The process's name: in the process table and through QMP. */
export const guestName = ({ instanceId, ownerEpoch, fence }: GuestTag): string =>
  `novact.${instanceId}.${ownerEpoch}${fence === true ? ".fence" : ""}`;

/** The tag in a name made by {@link guestName}; undefined when the name is another. */
export function parseGuestName(name: string): GuestTag | undefined {
  const match = /^novact\.([A-Za-z0-9_-]{1,64})\.([0-9]{1,15})(\.fence)?$/.exec(name);
  const [, instanceId, ownerEpoch, fence] = match ?? [];
  if (instanceId === undefined || ownerEpoch === undefined) return undefined;
  return { instanceId, ownerEpoch: Number(ownerEpoch), ...(fence === undefined ? {} : { fence: true }) };
}

/** The tag in a process's argv; undefined when the process is not one of our guests. */
export function tagOfArgv(argv: readonly string[]): GuestTag | undefined {
  const name = argv[argv.indexOf("-name") + 1];
  const uuid = argv[argv.indexOf("-uuid") + 1];
  const tag = name === undefined || !argv.includes("-name") ? undefined : parseGuestName(name);
  return tag !== undefined && uuid === tag.instanceId ? tag : undefined;
}
