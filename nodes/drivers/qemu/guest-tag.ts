/**
 * The name of a guest's process: whose it is, of which epoch, and whether another host may take it over. It is
 * in the process's own arguments, so that the kernel's process table alone tells who has to be stopped. The
 * guard's process reads it as well: this file must import nothing.
 */

export interface GuestTag {
  readonly instanceId: string;
  readonly epoch: number;
  /** Absent: false. */
  readonly fence?: boolean | undefined;
}

/** The process's name: in the process table and through QMP. */
export const guestName = ({ instanceId, epoch, fence }: GuestTag): string =>
  `novact.${instanceId}.${epoch}${fence === true ? ".fence" : ""}`;

/** The tag in a name of {@link guestName}, or undefined when it is none. */
export function parseGuestName(name: string): GuestTag | undefined {
  const match = /^novact\.([A-Za-z0-9_-]{1,64})\.([0-9]{1,15})(\.fence)?$/.exec(name);
  const [, instanceId, epoch, fence] = match ?? [];
  if (instanceId === undefined || epoch === undefined) return undefined;
  return { instanceId, epoch: Number(epoch), ...(fence === undefined ? {} : { fence: true }) };
}

/** What a process table's argv says of a process, if it is a guest of ours. */
export function tagOfArgv(argv: readonly string[]): GuestTag | undefined {
  const name = argv[argv.indexOf("-name") + 1];
  const uuid = argv[argv.indexOf("-uuid") + 1];
  const tag = name === undefined || !argv.includes("-name") ? undefined : parseGuestName(name);
  return tag !== undefined && uuid === tag.instanceId ? tag : undefined;
}

/** The program of a guest: setpriv for its first millisecond, then QEMU. */
export const isGuestProgram = (name: string): boolean => /^(setpriv|qemu-system-[a-z0-9_]+)$/.test(name);
