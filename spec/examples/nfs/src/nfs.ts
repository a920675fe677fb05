/**
 * What the driver asks of an NFS server, so that a spec can have one in memory. Interfaces, and the one error
 * that a server answers.
 */

/** Names a file or directory on the server for ever, whatever it is called. */
export type Handle = string;

export interface Attributes {
  readonly isDirectory: boolean;
  readonly mode: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  /** Of the last change of anything: what `guard` compares. */
  readonly changed: string;
}

export interface Entry {
  readonly name: string;
  readonly handle: Handle;
  readonly attributes: Attributes;
}

export interface Change {
  readonly gid: number;
  /** Absent: as it is. */
  readonly sizeBytes?: number;
  /** `changed` of the attributes that the change is of. Others meanwhile: `notSync`. */
  readonly guard?: string;
}

export interface Room {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * `stale`: the server does not know the handle; what it named is gone, or the server is another than before.
 * `later`: no answer about what was asked.
 */
export type NfsFault =
  | "missing"
  | "stale"
  | "exists"
  | "notEmpty"
  | "denied"
  | "full"
  | "notSync"
  | "later"
  | "other";

/** What the server has refused. */
export class NfsError extends Error {
  override readonly name = "NfsError";
  readonly fault: NfsFault;

  constructor(fault: NfsFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/**
 * Every call is one of NFS 3, made once, and done on the server's disk when it is answered. @throws NfsError;
 * storageUnknown when the server does not answer
 */
export interface Nfs {
  root(): Promise<Handle>;
  lookup(directory: Handle, name: string): Promise<Entry>;
  /** All entries but those that go meanwhile. */
  list(directory: Handle): Promise<readonly Entry[]>;
  makeDirectory(directory: Handle, name: string, mode: number): Promise<Handle>;
  /** A new empty file. @throws NfsError `exists` */
  makeFile(directory: Handle, name: string, mode: number): Promise<Handle>;
  /** By the owner of the directories. */
  change(file: Handle, change: Change): Promise<void>;
  /** By the user that bridges are, and of this group, as `write` is: so of an earlier epoch it is refused. */
  resize(file: Handle, sizeBytes: number, gid: number): Promise<void>;
  /** @throws NfsError `exists`, `notEmpty` when the new name is a directory that is not empty */
  rename(directory: Handle, name: string, newName: string): Promise<void>;
  removeFile(directory: Handle, name: string): Promise<void>;
  removeDirectory(directory: Handle, name: string): Promise<void>;
  room(): Promise<Room>;
  /** At the beginning of a file. */
  write(file: Handle, bytes: Uint8Array, gid: number): Promise<void>;
}
