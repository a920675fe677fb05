/** A server of NFS 3 (RFC 1813), asked without the kernel's help. Its ports come from its port mapper. */
import { nfsLimits } from "./limits.ts";
import {
  type Attributes,
  type Change,
  type Entry,
  type Handle,
  type Nfs,
  NfsError,
  type Room,
} from "./nfs.ts";
import { type Connection, type Credentials, RpcClient } from "./rpc.ts";
import { refusalOf } from "./statuses.ts";
import { WireError, type XdrReader, XdrWriter } from "./xdr.ts";

export interface NfsServer {
  readonly host: string;
  /** The exported directory, or one below it. */
  readonly path: string;
  /** Of the directory's owner on the server. */
  readonly owner: Credentials;
  /** The user that writes to volumes. */
  readonly writerUid: number;
}

/** Sources: RFC 1833, 3.2; RFC 1813, 3 and appendix I. */
const portMapper = { program: 100_000, version: 2, procedure: 3 };
const portMapperPort = 111;
const mountProgram = { program: 100_005, version: 3 };
const nfsProgram = { program: 100_003, version: 3 };
const tcp = 6;
const procedures = {
  ...{ setattr: 2, lookup: 3, write: 7, create: 8, mkdir: 9 },
  ...{ remove: 12, rmdir: 13, rename: 14, readdirplus: 17, fsstat: 18 },
};
const directoryType = 2;
const fileSync = 2;

/** What a server has told of itself, its port and the directory's handle: they last as long as it does. */
interface Mounted {
  readonly client: Connection;
  readonly root: Handle;
}

export class Nfs3 implements Nfs {
  readonly #server: NfsServer;
  readonly #connect: (port: number) => Connection;
  #opened: Promise<Mounted> | undefined;

  constructor(server: NfsServer, connect = (port: number): Connection => new RpcClient(server.host, port)) {
    this.#server = server;
    this.#connect = connect;
  }

  async root(): Promise<Handle> {
    return (await this.#open()).root;
  }

  async lookup(directory: Handle, name: string): Promise<Entry> {
    const reader = await this.#call("lookup", at(directory, name));
    const handle = takeHandle(reader);
    const attributes = takeAttributes(reader);
    if (attributes === undefined) throw new WireError("The server says nothing of a file.");
    return { name, handle, attributes };
  }

  async list(directory: Handle): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    const { pageBytes, pagesMax, entriesMax } = nfsLimits;
    let [cookie, verifier] = [0n, Buffer.alloc(8)];
    for (let page = 0; page < pagesMax; page += 1) {
      const body = put(directory).uint64(cookie).fixed(verifier).uint32(pageBytes).uint32(pageBytes);
      const reader = await this.#call("readdirplus", body);
      takeAttributes(reader);
      verifier = Buffer.from(reader.fixed(8));
      const before = cookie;
      while (reader.flag()) {
        cookie = this.#takeEntry(reader, found);
        if (found.length > entriesMax) throw new WireError("The directory has too many entries.");
      }
      if (reader.flag()) return await this.#whole(directory, found);
      // A page without entries leaves it, too.
      if (cookie === before) throw new WireError("The server sends a page that leads nowhere.");
    }
    throw new WireError("The directory has too many pages.");
  }

  /** Answers where the next page begins. */
  #takeEntry(reader: XdrReader, found: Entry[]): bigint {
    reader.uint64();
    const name = reader.text(nfsLimits.nameBytesMax);
    const cookie = reader.uint64();
    const attributes = takeAttributes(reader);
    const handle = reader.flag() ? takeHandle(reader) : undefined;
    if (name === "." || name === "..") return cookie;
    found.push({ name, handle: handle ?? "", attributes: attributes ?? unknown });
    return cookie;
  }

  /** A server may leave out what it does not know by heart; that is asked for by name. */
  async #whole(directory: Handle, found: readonly Entry[]): Promise<readonly Entry[]> {
    const whole: Entry[] = [];
    for (const entry of found) {
      if (entry.handle !== "" && entry.attributes !== unknown) whole.push(entry);
      else {
        const asked = await this.lookup(directory, entry.name).catch(unlessMissing);
        if (asked !== undefined) whole.push(asked);
      }
    }
    return whole;
  }

  async makeDirectory(directory: Handle, name: string, mode: number): Promise<Handle> {
    await this.#call("mkdir", attributesTo(at(directory, name), { mode }));
    return (await this.lookup(directory, name)).handle;
  }

  async makeFile(directory: Handle, name: string, mode: number): Promise<Handle> {
    // GUARDED: a file of this name stays as the server has it.
    await this.#call("create", attributesTo(at(directory, name).uint32(1), { mode }));
    return (await this.lookup(directory, name)).handle;
  }

  async change(file: Handle, change: Change): Promise<void> {
    const body = attributesTo(put(file), change);
    if (change.guard === undefined) body.uint32(0);
    else body.uint32(1).fixed(Buffer.from(change.guard, "hex"));
    // Of a group that it is to be given, an owner has to be a member.
    await this.#call("setattr", body, { uid: this.#server.owner.uid, gid: change.gid });
  }

  async resize(file: Handle, sizeBytes: number, gid: number): Promise<void> {
    const body = attributesTo(put(file), { sizeBytes }).uint32(0);
    await this.#call("setattr", body, { uid: this.#server.writerUid, gid });
  }

  async rename(directory: Handle, name: string, newName: string): Promise<void> {
    const body = at(directory, name).opaque(Buffer.from(directory, "hex")).text(newName);
    await this.#call("rename", body);
  }

  async removeFile(directory: Handle, name: string): Promise<void> {
    await this.#call("remove", at(directory, name));
  }

  async removeDirectory(directory: Handle, name: string): Promise<void> {
    await this.#call("rmdir", at(directory, name));
  }

  async room(): Promise<Room> {
    const reader = await this.#call("fsstat", put(await this.root()));
    takeAttributes(reader);
    const totalBytes = reader.size();
    reader.size();
    return { totalBytes, freeBytes: reader.size() };
  }

  async write(file: Handle, bytes: Uint8Array, gid: number): Promise<void> {
    const body = put(file).uint64(0n).uint32(bytes.length).uint32(fileSync).opaque(bytes);
    await this.#call("write", body, { uid: this.#server.writerUid, gid });
  }

  #open() {
    const opening = this.#opened ?? this.#mount();
    this.#opened = opening;
    // The next one who asks tries anew.
    opening.catch(() => {
      if (this.#opened === opening) this.#opened = undefined;
    });
    return opening;
  }

  async #mount(): Promise<Mounted> {
    const { path, owner } = this.#server;
    const [mounts, files] = [await this.#portOf(mountProgram), await this.#portOf(nfsProgram)];
    const mounting = this.#connect(mounts);
    try {
      const body = new XdrWriter().text(path);
      const reader = await mounting.call({ ...mountProgram, procedure: 1, as: owner, body });
      const status = reader.uint32();
      if (status !== 0) throw refusalOf("the mount", status);
      return { client: this.#connect(files), root: takeHandle(reader) };
    } finally {
      mounting.close();
    }
  }

  async #portOf({ program, version }: typeof nfsProgram): Promise<number> {
    const client = this.#connect(portMapperPort);
    try {
      const body = new XdrWriter().uint32(program).uint32(version).uint32(tcp).uint32(0);
      const port = (await client.call({ ...portMapper, body })).uint32();
      if (port > 0 && port < 65_536) return port;
      // Programs come to the port mapper one by one when a server begins.
      throw new NfsError("later", `The server has no program ${program} of version ${version}.`);
    } finally {
      client.close();
    }
  }

  async #call(
    name: keyof typeof procedures,
    body: XdrWriter,
    as: Credentials = this.#server.owner,
  ): Promise<XdrReader> {
    const opened = this.#open();
    const { client } = await opened;
    try {
      const reader = await client.call({ ...nfsProgram, procedure: procedures[name], as, body });
      const status = reader.uint32();
      if (status === 0) return reader;
      throw refusalOf(name, status);
    } catch (error) {
      const isStale = error instanceof NfsError && error.fault === "stale";
      if ((isStale || client.isUnreachable) && this.#opened === opened) {
        // The server may have another port, or another directory, since it has begun anew.
        this.#opened = undefined;
        client.leave();
      }
      throw error;
    }
  }
}

const unknown: Attributes = {
  ...{ isDirectory: false, mode: 0, gid: 0, sizeBytes: 0, usedBytes: 0, changed: "" },
};

export function unlessMissing(error: unknown): undefined {
  if (error instanceof NfsError && error.fault === "missing") return undefined;
  throw error;
}

const put = (handle: Handle): XdrWriter => new XdrWriter().opaque(Buffer.from(handle, "hex"));
const at = (directory: Handle, name: string): XdrWriter => put(directory).text(name);

const takeHandle = (reader: XdrReader): Handle => reader.opaque(nfsLimits.handleBytesMax).toString("hex");

function takeAttributes(reader: XdrReader): Attributes | undefined {
  if (!reader.flag()) return undefined;
  const isDirectory = reader.uint32() === directoryType;
  const mode = reader.uint32();
  reader.uint32();
  reader.uint32();
  const gid = reader.uint32();
  const [sizeBytes, usedBytes] = [reader.size(), reader.size()];
  // The device that it is, the file system, the number in it; when it was read and written.
  reader.fixed(8 + 8 + 8 + 8 + 8);
  return { isDirectory, mode, gid, sizeBytes, usedBytes, changed: reader.fixed(8).toString("hex") };
}

/** Mode, owner, group, size, and two times that stay. */
function attributesTo(
  writer: XdrWriter,
  { mode, gid, sizeBytes }: { readonly mode?: number; readonly gid?: number; readonly sizeBytes?: number },
): XdrWriter {
  for (const value of [mode, undefined, gid])
    if (value === undefined) writer.uint32(0);
    else writer.uint32(1).uint32(value);
  if (sizeBytes === undefined) writer.uint32(0);
  else writer.uint32(1).uint64(BigInt(sizeBytes));
  return writer.uint32(0).uint32(0);
}
