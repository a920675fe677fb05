/**
 * A server of NFS in memory, as strict as a real one with its users and groups. Several hosts can have it.
 */
import {
  type Attributes,
  type Change,
  type Entry,
  type Handle,
  type Nfs,
  NfsError,
  type NfsFault,
  type Room,
} from "../src/nfs.ts";

interface Node {
  readonly entries?: Map<string, Node>;
  readonly handle: Handle;
  mode: number;
  gid: number;
  sizeBytes: number;
  changes: number;
}

export interface FakeNfsOptions {
  readonly totalBytes: number;
  readonly ownerGid: number;
  /** True: the server lets everybody write, like a server that makes all clients one user. */
  readonly ignoresGroups?: boolean;
}

const fault = (which: NfsFault) => new NfsError(which, `The server refuses (${which}).`);

export class FakeNfs implements Nfs {
  readonly #options: FakeNfsOptions;
  readonly #nodes = new Map<Handle, Node>();
  readonly #root: Node;
  /** Called before each call; what it throws is the server's answer. */
  before: (call: keyof Nfs) => void = () => undefined;

  constructor(options: FakeNfsOptions) {
    this.#options = options;
    this.#root = this.#made(0o711, true);
  }

  async root(): Promise<Handle> {
    this.before("root");
    return this.#root.handle;
  }

  async lookup(directory: Handle, name: string): Promise<Entry> {
    this.before("lookup");
    const node = this.#in(directory, name);
    return { name, handle: node.handle, attributes: attributesOf(node) };
  }

  async list(directory: Handle): Promise<readonly Entry[]> {
    this.before("list");
    return [...this.#entries(directory)].map(([name, node]) => ({
      ...{ name, handle: node.handle, attributes: attributesOf(node) },
    }));
  }

  async makeDirectory(directory: Handle, name: string, mode: number): Promise<Handle> {
    this.before("makeDirectory");
    return this.#add(directory, name, this.#made(mode, true));
  }

  async makeFile(directory: Handle, name: string, mode: number): Promise<Handle> {
    this.before("makeFile");
    return this.#add(directory, name, this.#made(mode, false));
  }

  async change(file: Handle, { gid, sizeBytes, guard }: Change): Promise<void> {
    this.before("change");
    const node = this.#node(file);
    if (guard !== undefined && guard !== String(node.changes)) throw fault("notSync");
    node.gid = gid;
    if (sizeBytes !== undefined) node.sizeBytes = sizeBytes;
    node.changes += 1;
  }

  async resize(file: Handle, sizeBytes: number, gid: number): Promise<void> {
    this.before("resize");
    const node = this.#writable(file, gid);
    node.sizeBytes = sizeBytes;
    node.changes += 1;
  }

  async rename(directory: Handle, name: string, newName: string): Promise<void> {
    this.before("rename");
    const entries = this.#entries(directory);
    const node = this.#in(directory, name);
    const there = entries.get(newName);
    if (there?.entries !== undefined && there.entries.size > 0) throw fault("notEmpty");
    entries.delete(name);
    entries.set(newName, node);
  }

  async removeFile(directory: Handle, name: string): Promise<void> {
    this.before("removeFile");
    const node = this.#in(directory, name);
    if (node.entries !== undefined) throw fault("other");
    this.#drop(directory, name);
  }

  async removeDirectory(directory: Handle, name: string): Promise<void> {
    this.before("removeDirectory");
    const { entries } = this.#in(directory, name);
    if (entries === undefined) throw fault("other");
    if (entries.size > 0) throw fault("notEmpty");
    this.#drop(directory, name);
  }

  async room(): Promise<Room> {
    this.before("room");
    const { totalBytes } = this.#options;
    return { totalBytes, freeBytes: totalBytes };
  }

  async write(file: Handle, bytes: Uint8Array, gid: number): Promise<void> {
    this.before("write");
    const node = this.#writable(file, gid);
    node.sizeBytes = Math.max(node.sizeBytes, bytes.length);
    node.changes += 1;
  }

  #writable(file: Handle, gid: number): Node {
    const node = this.#node(file);
    const isMember = node.gid === gid && (node.mode & 0o020) !== 0;
    if (!isMember && this.#options.ignoresGroups !== true) throw fault("denied");
    return node;
  }

  #made(mode: number, isDirectory: boolean): Node {
    const handle = (this.#nodes.size + 1).toString(16).padStart(8, "0");
    const node = {
      ...{ handle, mode, gid: this.#options.ownerGid, sizeBytes: 0, changes: 0 },
      ...(isDirectory ? { entries: new Map<string, Node>() } : {}),
    };
    this.#nodes.set(handle, node);
    return node;
  }

  #add(directory: Handle, name: string, node: Node): Handle {
    const entries = this.#entries(directory);
    if (entries.has(name)) throw fault("exists");
    entries.set(name, node);
    return node.handle;
  }

  /** The handle of what is gone names nothing any more. The numbers are not used again. */
  #drop(directory: Handle, name: string): void {
    const node = this.#in(directory, name);
    this.#entries(directory).delete(name);
    this.#nodes.set(node.handle, { ...node, handle: "" });
  }

  #node(handle: Handle): Node {
    const node = this.#nodes.get(handle);
    if (node === undefined || node.handle === "") throw fault("stale");
    return node;
  }

  #entries(directory: Handle): Map<string, Node> {
    const { entries } = this.#node(directory);
    if (entries === undefined) throw fault("other");
    return entries;
  }

  #in(directory: Handle, name: string): Node {
    const node = this.#entries(directory).get(name);
    if (node === undefined) throw fault("missing");
    return node;
  }
}

const attributesOf = ({ entries, mode, gid, sizeBytes, changes }: Node): Attributes => ({
  ...{ isDirectory: entries !== undefined, mode, gid, sizeBytes, usedBytes: 0, changed: String(changes) },
});
