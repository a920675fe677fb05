/**
 * Whether a process that looks like a guest belongs to whom it should. Name, arguments, program and directory
 * can be pretended by every user of the computer; the users in a process's credentials cannot. The guard's
 * process uses this file as well, so it must import nothing large.
 */
import { guestUser, isOfOneGuest } from "../guest-user.ts";
import type { SeenProcess } from "../process-owners.ts";

export interface OwnedProcess {
  /** Name of the program's file. */
  readonly program: string;
  /**
   * Real, effective, saved and file system user, from /proc/PID/status. Owners of files in /proc are another
   * thing: they are the effective user only, or root for a process that asked not to be dumped.
   */
  readonly uids: readonly number[];
}

/**
 * The programs by which root becomes a guest's user, each in place of the one before; QEMU is the last. The
 * shell, under whatever name it has here, enters the guest's cgroups (cgroup/entry.ts).
 */
const isLauncher = (program: string): boolean =>
  /^(sh|dash|bash|busybox|nsenter|prlimit|setpriv)$/.test(program);
export const isHypervisor = (program: string): boolean => /^qemu-system-[a-z0-9_]+$/.test(program);

/** What the kernel shows as the name of such a process (15 bytes at most), unless that has renamed itself. */
const programNames = /^(?:qemu-system|sh$|nsenter|prlimit|setpriv)/;

/** This process's user, and the kind of guests' users: neither changes, and reading them takes long. */
const here = { user: guestUser("-"), uid: process.getuid?.() ?? 0 };

/**
 * True when a process can be a guest of this computer, as far as its owners tell, so that it may be asked for
 * its arguments. Of a user that one guest has for itself every process counts, whatever its name; of a user
 * that others have as well (nobody, the agent) only one with the name of a guest's program.
 */
export function mayBeGuest({ name, uids }: Pick<SeenProcess, "name" | "uids">, own = here): boolean {
  const [uid = -1] = uids;
  if (uids.length !== 4 || uids.some((one) => one !== uid)) return false;
  if (own.user !== undefined && isOfOneGuest(own.user.uid) && isOfOneGuest(uid)) return true;
  return (uid === own.uid || uid === own.user?.uid) && programNames.test(name);
}

/** The same by the effective user alone, which costs less to learn. */
export const mayOwnGuest = (uid: number, own = here): boolean =>
  uid === own.uid ||
  uid === own.user?.uid ||
  (own.user !== undefined && isOfOneGuest(own.user.uid) && isOfOneGuest(uid));

/**
 * True when the process runs a guest's program as the guest's user: one of its own, or the agent's own where
 * the agent is not root. A launcher may still be root.
 */
export function isGuestOwned(
  instanceId: string,
  { program, uids }: OwnedProcess,
  own = { user: guestUser(instanceId), uid: process.getuid?.() ?? 0 },
): boolean {
  const only = (uid: number) => uids.length === 4 && uids.every((one) => one === uid);
  const owned = only(own.user?.uid ?? own.uid);
  if (isHypervisor(program)) return owned;
  return isLauncher(program) && (owned || only(own.uid));
}
