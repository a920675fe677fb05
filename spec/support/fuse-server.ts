/**
 * A FUSE file system over another directory, which can be made to hang: told `hang`, it goes on taking the
 * kernel's requests and answers none, as a file server that has stopped; told `answer`, it answers them all.
 * A program: fuse-server.ts DIRECTORY MOUNTPOINT; its words come line by line on its standard input. It
 * prints "mounted", and unmounts at the end of its input. Needs root and /dev/fuse; used by
 * hanging-storage.ts.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { constants as systemConstants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  answerTo,
  attrAnswer,
  directoryAnswer,
  entryAnswer,
  type FuseRequest,
  headerBytes,
  initAnswer,
  namesIn,
  opcodes,
  openAnswer,
  requestIn,
  settable,
  statfsAnswer,
  writeAnswer,
  writeBytesMax,
} from "./fuse-wire.ts";

const nothing = Buffer.alloc(0);
const big = { bigint: true } as const;

/** The paths behind the kernel's numbers of files. */
class Nodes {
  readonly #paths = new Map<bigint, string>();
  readonly #numbers = new Map<string, bigint>();
  #next = 1n;

  constructor(root: string) {
    this.numberOf(root);
  }

  numberOf(path: string): bigint {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    const number = this.#next++;
    this.#paths.set(number, path);
    this.#numbers.set(path, number);
    return number;
  }

  pathOf(number: bigint): string {
    return this.#paths.get(number) ?? "/nowhere";
  }

  /** The path has gone; its number stays with whoever has it open. */
  forget(path: string): void {
    this.#numbers.delete(path);
  }

  moved(from: string, to: string): void {
    this.forget(to);
    for (const [path, number] of [...this.#numbers]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      const now = to + path.slice(from.length);
      this.#numbers.delete(path);
      this.#numbers.set(now, number);
      this.#paths.set(number, now);
    }
  }
}

const [directory = "", mountPoint = ""] = process.argv.slice(2);
const nodes = new Nodes(directory);
/** How the file is opened for reading and writing, and two of the other flags. */
const flagsKept = constants.O_WRONLY | constants.O_RDWR | constants.O_TRUNC | constants.O_EXCL;

function answer({ opcode, node, uid, gid, body }: FuseRequest): Buffer | undefined {
  const path = nodes.pathOf(node);
  const child = (offset: number, index = 0) => join(path, namesIn(body, offset)[index] ?? "");
  const entry = (at: string) => entryAnswer(nodes.numberOf(at), lstatSync(at, big));
  const handle = () => Number(body.readBigUInt64LE(0));
  switch (opcode) {
    case opcodes.init:
      return initAnswer();
    case opcodes.lookup:
      return entry(child(0));
    case opcodes.getattr:
      return attrAnswer(lstatSync(path, big));
    case opcodes.setattr:
      return setAttributes(path, body);
    case opcodes.mkdir:
      mkdirSync(child(8), { mode: body.readUInt32LE(0) & 0o7777 });
      chmodSync(child(8), body.readUInt32LE(0) & 0o7777);
      chownSync(child(8), uid, gid);
      return entry(child(8));
    case opcodes.unlink:
      unlinkSync(child(0));
      nodes.forget(child(0));
      return nothing;
    case opcodes.rmdir:
      rmdirSync(child(0));
      nodes.forget(child(0));
      return nothing;
    case opcodes.rename:
    case opcodes.rename2: {
      const offset = opcode === opcodes.rename ? 8 : 16;
      const to = join(nodes.pathOf(body.readBigUInt64LE(0)), namesIn(body, offset)[1] ?? "");
      renameSync(child(offset), to);
      nodes.moved(child(offset), to);
      return nothing;
    }
    case opcodes.link:
      linkSync(nodes.pathOf(body.readBigUInt64LE(0)), child(8));
      return entry(child(8));
    case opcodes.open:
      return openAnswer(openSync(path, body.readUInt32LE(0) & flagsKept));
    case opcodes.create: {
      const at = child(16);
      const mode = body.readUInt32LE(4) & 0o7777;
      const opened = openSync(at, (body.readUInt32LE(0) & flagsKept) | constants.O_CREAT, mode);
      lchownSync(at, uid, gid);
      return Buffer.concat([entry(at), openAnswer(opened)]);
    }
    case opcodes.read: {
      const bytes = Buffer.alloc(body.readUInt32LE(16));
      const count = readSync(handle(), bytes, 0, bytes.length, Number(body.readBigUInt64LE(8)));
      return bytes.subarray(0, count);
    }
    case opcodes.write: {
      const size = body.readUInt32LE(16);
      return writeAnswer(writeSync(handle(), body, 40, size, Number(body.readBigUInt64LE(8))));
    }
    case opcodes.statfs:
      return statfsAnswer();
    case opcodes.release:
      closeSync(handle());
      return nothing;
    case opcodes.fsync:
      fsyncSync(handle());
      return nothing;
    case opcodes.opendir:
      return openAnswer(0);
    case opcodes.readdir:
      return directoryAnswer(
        [".", "..", ...readdirSync(path)],
        Number(body.readBigUInt64LE(8)),
        body.readUInt32LE(16),
      );
    case opcodes.flush:
    case opcodes.releasedir:
    case opcodes.fsyncdir:
      return nothing;
    default:
      return undefined;
  }
}

function setAttributes(path: string, body: Buffer): Buffer {
  const valid = body.readUInt32LE(0);
  const wants = (bit: number) => (valid & bit) !== 0;
  if (wants(settable.mode)) chmodSync(path, body.readUInt32LE(68) & 0o7777);
  if (wants(settable.uid) || wants(settable.gid)) {
    const { uid, gid } = lstatSync(path);
    const one = wants(settable.uid) ? body.readUInt32LE(76) : uid;
    lchownSync(path, one, wants(settable.gid) ? body.readUInt32LE(80) : gid);
  }
  if (wants(settable.size)) truncateSync(path, Number(body.readBigUInt64LE(16)));
  return attrAnswer(lstatSync(path, big));
}

/** No answer is expected to these. */
const silent: readonly number[] = [opcodes.forget, opcodes.batchForget, opcodes.interrupt, opcodes.destroy];

const device = openSync("/dev/fuse", "r+");
let hangs = false;
const held: FuseRequest[] = [];

function serve(request: FuseRequest): void {
  if (silent.includes(request.opcode)) return;
  let errno = 0;
  let body: Buffer | undefined;
  try {
    body = answer(request);
    if (body === undefined) errno = systemConstants.errno.ENOSYS;
  } catch (error) {
    const code = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
    errno = code < 0 ? -code : systemConstants.errno.EIO;
  }
  try {
    writeSync(device, answerTo(request.unique, errno, body ?? nothing));
  } catch {
    // The asker was killed meanwhile, and its request with it.
    return;
  }
}

function next(): void {
  const buffer = Buffer.alloc(headerBytes + 4_096 + writeBytesMax);
  read(device, buffer, 0, buffer.length, null, (error, bytes) => {
    if (error?.code === "ENODEV") process.exit(0);
    if (error === null) {
      const request = requestIn(buffer.subarray(0, bytes));
      if (hangs) held.push(request);
      else serve(request);
    }
    next();
  });
}

const options = `fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`;
const mounted = spawnSync("mount", ["-i", "-t", "fuse", "-o", options, "novact-test", mountPoint], {
  stdio: ["ignore", "ignore", "inherit", device],
});
if (mounted.status !== 0) process.exit(1);
next();
process.stdout.write("mounted\n");
const words = createInterface(process.stdin);
words.on("line", (word) => {
  hangs = word === "hang";
  if (!hangs) for (const request of held.splice(0)) serve(request);
  process.stdout.write(`${word}\n`);
});
words.on("close", () => {
  hangs = false;
  for (const request of held.splice(0)) serve(request);
  spawnSync("umount", ["--lazy", mountPoint]);
});
