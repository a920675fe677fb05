/** Directories and path tables of ISO 9660, for either kind of names. Pure. */
import { bothEndian, recordTime, sectorBytes, ucs2 } from "./iso-fields.ts";
import type { Directory, IsoFile } from "./iso-tree.ts";

/** `plain`: capital letters, for every reader. `joliet`: the names as they are. */
export type NameKind = "plain" | "joliet";

interface Extent {
  readonly sector: number;
  readonly bytes: number;
}

export interface Extents {
  readonly self: Extent;
  readonly parent: Extent;
  readonly ofDirectory: (directory: Directory) => Extent;
  readonly ofFile: (file: IsoFile) => Extent;
}

interface RecordOptions {
  readonly kind: NameKind;
  readonly extents: Extents;
  readonly atMs: number;
}

const self = Buffer.from([0]);
const parent = Buffer.from([1]);

/** The records of a directory: itself, its parent, and its entries in the order of their names. */
export function directoryRecord(
  directory: Directory,
  { kind, extents, atMs }: RecordOptions,
): readonly Buffer[] {
  const isDirectory = true;
  return [
    record(self, extents.self, { atMs, isDirectory }),
    record(parent, extents.parent, { atMs, isDirectory }),
    ...entriesOf(directory, kind).map(({ identifier, entry }) =>
      "bytes" in entry
        ? record(identifier, extents.ofFile(entry), { atMs, isDirectory: false })
        : record(identifier, extents.ofDirectory(entry), { atMs, isDirectory }),
    ),
  ];
}

/** Bytes that the directory takes, with the gaps before the ends of sectors. */
export function directoryExtent(directory: Directory, kind: NameKind): number {
  const lengths = [34, 34, ...entriesOf(directory, kind).map(({ identifier }) => lengthOf(identifier))];
  return lengths.reduce((at, length) => {
    const left = sectorBytes - (at % sectorBytes);
    return at + length + (length > left ? left : 0);
  }, 0);
}

function entriesOf({ directories, files }: Directory, kind: NameKind) {
  const entries = [...directories, ...files].map((entry) => ({
    identifier: identifierOf(entry, kind),
    entry,
  }));
  return entries.sort((one, other) => Buffer.compare(one.identifier, other.identifier));
}

function identifierOf(entry: Directory | IsoFile, kind: NameKind): Buffer {
  if (kind === "plain") return Buffer.from(entry.plain, "latin1");
  return ucs2("bytes" in entry ? `${entry.name};1` : entry.name);
}

/** A record has an even length (ECMA-119, 9.1.12). */
const lengthOf = (identifier: Buffer): number => 33 + identifier.length + ((identifier.length + 1) % 2);

function record(
  identifier: Buffer,
  { sector, bytes }: Extent,
  { atMs, isDirectory }: { readonly atMs: number; readonly isDirectory: boolean },
): Buffer {
  const made = Buffer.alloc(lengthOf(identifier));
  made.writeUInt8(made.length, 0);
  bothEndian(sector, 4).copy(made, 2);
  bothEndian(bytes, 4).copy(made, 10);
  recordTime(atMs).copy(made, 18);
  made.writeUInt8(isDirectory ? 2 : 0, 25);
  bothEndian(1, 2).copy(made, 28);
  made.writeUInt8(identifier.length, 32);
  identifier.copy(made, 33);
  return made;
}

/** Breadth first, the children of each parent by name: the order of a path table (ECMA-119, 6.9.1). */
export function inTableOrder(root: Directory, kind: NameKind): readonly Directory[] {
  const ordered: Directory[] = [root];
  for (const { directories } of ordered) {
    const named = directories.map((one) => ({ one, identifier: identifierOf(one, kind) }));
    named.sort((left, right) => Buffer.compare(left.identifier, right.identifier));
    ordered.push(...named.map(({ one }) => one));
  }
  return ordered;
}

interface TableOptions {
  readonly kind: NameKind;
  readonly sectorOf: (directory: Directory) => number;
  readonly bigEndian: boolean;
}

/** The path table of directories that stand in its order (ECMA-119, 9.4). */
export function pathTable(
  directories: readonly Directory[],
  { kind, sectorOf, bigEndian }: TableOptions,
): Buffer {
  const numbers = new Map(directories.map((directory, index) => [directory, index + 1]));
  return Buffer.concat(
    directories.map((directory) => {
      const identifier = directory.parent === undefined ? self : identifierOf(directory, kind);
      const entry = Buffer.alloc(8 + identifier.length + (identifier.length % 2));
      const above = numbers.get(directory.parent ?? directory) ?? 1;
      entry.writeUInt8(identifier.length, 0);
      if (bigEndian) {
        entry.writeUInt32BE(sectorOf(directory), 2);
        entry.writeUInt16BE(above, 6);
      } else {
        entry.writeUInt32LE(sectorOf(directory), 2);
        entry.writeUInt16LE(above, 6);
      }
      identifier.copy(entry, 8);
      return entry;
    }),
  );
}
