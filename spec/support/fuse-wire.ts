/**
 * The words of the kernel's FUSE protocol (7.31) as far as fuse-server.ts speaks them: opcodes, and the few
 * structures of its answers. Pure. Source: linux/fuse.h.
 */
import type { BigIntStats } from "node:fs";

export const opcodes = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  rename2: 45,
} as const;

/** Bits of setattr's `valid`. */
export const settable = { mode: 1, uid: 2, gid: 4, size: 8 } as const;

export const headerBytes = 40;
/** Most bytes of data in one write. */
export const writeBytesMax = 128 * 1024;

export interface FuseRequest {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly body: Buffer;
}

export function requestIn(message: Buffer): FuseRequest {
  return {
    opcode: message.readUInt32LE(4),
    unique: message.readBigUInt64LE(8),
    node: message.readBigUInt64LE(16),
    uid: message.readUInt32LE(24),
    gid: message.readUInt32LE(28),
    body: message.subarray(headerBytes),
  };
}

/** `errno`: 0, or a positive number of an error. */
export function answerTo(unique: bigint, errno: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, body]);
}

/** The names in a body from an offset on, each ended by a zero byte. */
export const namesIn = (body: Buffer, offset: number): readonly string[] =>
  body.subarray(offset).toString("utf8").split("\0").slice(0, -1);

export function initAnswer(): Buffer {
  const answer = Buffer.alloc(64);
  answer.writeUInt32LE(7, 0);
  answer.writeUInt32LE(31, 4);
  answer.writeUInt32LE(writeBytesMax, 8);
  // FUSE_ASYNC_READ and FUSE_BIG_WRITES.
  answer.writeUInt32LE(1 | 32, 12);
  answer.writeUInt16LE(64, 16);
  answer.writeUInt16LE(48, 18);
  answer.writeUInt32LE(writeBytesMax, 20);
  answer.writeUInt32LE(1, 24);
  return answer;
}

function attributes(stats: BigIntStats): Buffer {
  const out = Buffer.alloc(88);
  const long = [
    ...[stats.ino, stats.size, stats.blocks],
    ...[stats.atimeNs, stats.mtimeNs, stats.ctimeNs].map((ns) => ns / 1_000_000_000n),
  ];
  for (const [index, value] of long.entries()) out.writeBigUInt64LE(value, index * 8);
  const short = [
    ...[stats.atimeNs, stats.mtimeNs, stats.ctimeNs].map((ns) => ns % 1_000_000_000n),
    ...[stats.mode, stats.nlink, stats.uid, stats.gid, stats.rdev, stats.blksize],
  ];
  for (const [index, value] of short.entries()) out.writeUInt32LE(Number(value), 48 + index * 4);
  return out;
}

/** Attributes that the kernel keeps for no time: each look asks the server. */
export const attrAnswer = (stats: BigIntStats): Buffer =>
  Buffer.concat([Buffer.alloc(16), attributes(stats)]);

export function entryAnswer(node: bigint, stats: BigIntStats): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(node, 0);
  return Buffer.concat([head, attributes(stats)]);
}

export function openAnswer(handle: number): Buffer {
  const out = Buffer.alloc(16);
  out.writeBigUInt64LE(BigInt(handle), 0);
  return out;
}

export function writeAnswer(bytes: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt32LE(bytes, 0);
  return out;
}

export function statfsAnswer(): Buffer {
  const out = Buffer.alloc(80);
  for (let index = 0; index < 5; index += 1) out.writeBigUInt64LE(1_000_000n, index * 8);
  for (const [index, value] of [4_096, 255, 4_096].entries()) out.writeUInt32LE(value, 40 + index * 4);
  return out;
}

/** The entries of a directory after the first `offset`, as many as fit. */
export function directoryAnswer(names: readonly string[], offset: number, bytesMax: number): Buffer {
  const entries: Buffer[] = [];
  let bytes = 0;
  for (const [index, name] of names.entries()) {
    if (index < offset) continue;
    const text = Buffer.from(name);
    const entry = Buffer.alloc(Math.ceil((24 + text.length) / 8) * 8);
    entry.writeBigUInt64LE(0xffffffffn, 0);
    entry.writeBigUInt64LE(BigInt(index + 1), 8);
    entry.writeUInt32LE(text.length, 16);
    text.copy(entry, 24);
    bytes += entry.length;
    if (bytes > bytesMax) break;
    entries.push(entry);
  }
  return Buffer.concat(entries);
}
