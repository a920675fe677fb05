/**
 * Proves that a server keeps the promise on which everything rests: who is not of a file's group cannot write
 * to it. A server that makes all clients one user, or asks nobody, would let a former writer write on. It
 * also finds the storage's id, or gives it one. Without both nothing is done on the server.
 */
import { randomUUID } from "node:crypto";
import { groupOf, markOf } from "./names.ts";
import { type Handle, type Nfs, NfsError } from "./nfs.ts";
import { refused } from "./refusals.ts";

const storageDirectory = "storage";

export interface Proving {
  readonly nfs: Nfs;
  readonly hostId: string;
  readonly firstGroup: number;
  /** Whether other hosts have volumes there. */
  readonly shared: boolean;
}

/**
 * Answers the storage's id; null: the directory is this host's own. @throws hypervisorRefused when the server
 * does not keep the promise, or the directory is not whose it is said to be
 */
export async function proved({ nfs, hostId, firstGroup, shared }: Proving): Promise<string | null> {
  const root = await nfs.root();
  const own = `host.${hostId}`;
  const id = (await idIn(nfs, root)) ?? (await named(nfs, root, { hostId, id: shared ? randomUUID() : own }));
  if (shared ? id.startsWith("host.") : id !== own)
    throw refused("The directory of volumes on the NFS server belongs to other nodes.");
  await prove(nfs, root, { name: `probe.${markOf(hostId)}`, firstGroup });
  return shared ? id : null;
}

async function idIn(nfs: Nfs, root: Handle): Promise<string | undefined> {
  try {
    const { handle } = await nfs.lookup(root, storageDirectory);
    return (await nfs.list(handle)).map(({ name }) => name).sort()[0];
  } catch (error) {
    if (isFault(error, "missing")) return undefined;
    throw error;
  }
}

/** Whoever renames first has named it: a directory that is not empty is never replaced. */
async function named(
  nfs: Nfs,
  root: Handle,
  { hostId, id: wanted }: { readonly hostId: string; readonly id: string },
): Promise<string> {
  const part = `${storageDirectory}.${markOf(hostId)}.part`;
  await nfs.makeDirectory(root, part, 0o711).catch(unlessExists);
  const { handle } = await nfs.lookup(root, part);
  if ((await nfs.list(handle)).length === 0) await nfs.makeFile(handle, wanted, 0);
  await nfs.rename(root, part, storageDirectory).catch(unlessExists);
  const id = await idIn(nfs, root);
  if (id === undefined) throw refused("The NFS server does not keep the name of the storage.");
  return id;
}

async function prove(
  nfs: Nfs,
  root: Handle,
  { name, firstGroup }: { readonly name: string; readonly firstGroup: number },
): Promise<void> {
  const [now, next] = [groupOf(firstGroup, 1), groupOf(firstGroup, 2)];
  await nfs.removeFile(root, name).catch((error: unknown) => {
    if (!isFault(error, "missing")) throw error;
  });
  const file = await nfs.makeFile(root, name, 0o660);
  try {
    await nfs.change(file, { gid: now });
    if (!(await writes(nfs, file, now)) || (await writes(nfs, file, next))) throw unfit();
    // The same handle, as a writer of before has it.
    await nfs.change(file, { gid: next });
    if ((await writes(nfs, file, now)) || !(await writes(nfs, file, next))) throw unfit();
  } finally {
    await nfs.removeFile(root, name).catch(() => undefined);
  }
}

async function writes(nfs: Nfs, file: Handle, gid: number): Promise<boolean> {
  try {
    await nfs.write(file, Buffer.from("novact"), gid);
    return true;
  } catch (error) {
    if (isFault(error, "denied")) return false;
    throw error;
  }
}

const unfit = () =>
  refused("The NFS server does not keep a former writer out: it must not change users or groups of clients.");

const isFault = (error: unknown, fault: NfsError["fault"]): boolean =>
  error instanceof NfsError && error.fault === fault;

function unlessExists(error: unknown): void {
  if (!isFault(error, "exists") && !isFault(error, "notEmpty")) throw error;
}
