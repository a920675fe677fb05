/**
 * Writes an ISO 9660 file system with Joliet names into memory: pure, the same files give the same bytes.
 * Readers that know Joliet (Linux, Windows, the BSDs) see the names as they are; others see them in capital
 * letters. Files with the same bytes lie on the disk once. Source: ECMA-119, and Microsoft's Joliet
 * specification.
 */
import {
  directoryExtent,
  directoryRecord,
  inTableOrder,
  type NameKind,
  pathTable,
} from "./iso-directories.ts";
import { bothEndian, sectorBytes, sectorsOf, textField, volumeTime } from "./iso-fields.ts";
import { type Directory, type IsoFile, treeOf } from "./iso-tree.ts";
import { configDriveLimits } from "./limits.ts";

export interface IsoOptions {
  /** Name of the volume, by which a guest finds the drive; at most 16 letters, digits, _ and -. */
  readonly label: string;
  /** Time of the volume and of every file. */
  readonly atMs: number;
}

/** Where a directory lies for readers of one kind of names; files lie at one place for both. */
type Places = ReadonlyMap<Directory, { readonly sector: number; readonly bytes: number }>;

interface Layout {
  readonly kind: NameKind;
  readonly directories: readonly Directory[];
  readonly places: Places;
  readonly tableBytes: number;
  /** Sectors of the path table with the low byte first, and of that with the high byte first. */
  readonly tables: readonly [number, number];
}

const systemSectors = 16;
const descriptorSectors = 3;
const kinds = ["plain", "joliet"] as const;

/**
 * The bytes of the volume. @throws Error for a path or a label that cannot be, and above the limits: whoever
 * calls this bounds what goes in
 */
export function isoImage(files: ReadonlyMap<string, Uint8Array>, options: IsoOptions): Buffer {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(options.label))
    throw new Error(`${options.label} is no label of a volume.`);
  const root = treeOf(files);
  let next = systemSectors + descriptorSectors;
  const take = (sectors: number): number => {
    const first = next;
    next += sectors;
    return first;
  };
  const layouts = kinds.map((kind) => layoutOf(kind, root, take));
  const contents = placeFiles(root, take);
  if (next * sectorBytes > configDriveLimits.bytesMax) throw new Error("The drive would be too large.");
  const image = Buffer.alloc(next * sectorBytes);
  layouts.forEach((layout, index) => {
    const descriptor = volumeDescriptor(layout, { ...options, root, sectors: next });
    descriptor.copy(image, (systemSectors + index) * sectorBytes);
    writeDirectories(image, layout, { contents, atMs: options.atMs });
  });
  image.set([0xff, ...Buffer.from("CD001", "latin1"), 1], (systemSectors + kinds.length) * sectorBytes);
  for (const [file, sector] of contents) image.set(file.bytes, sector * sectorBytes);
  return image;
}

function layoutOf(kind: NameKind, root: Directory, take: (sectors: number) => number): Layout {
  const directories = inTableOrder(root, kind);
  const tableBytes = pathTable(directories, { kind, sectorOf: () => 0, bigEndian: false }).length;
  const tables = [take(sectorsOf(tableBytes)), take(sectorsOf(tableBytes))] as const;
  const places = new Map(
    directories.map((directory) => {
      const bytes = sectorsOf(directoryExtent(directory, kind)) * sectorBytes;
      return [directory, { sector: take(bytes / sectorBytes), bytes }];
    }),
  );
  return { kind, directories, places, tableBytes, tables };
}

/** The first sector of each file. Empty files have one too: some readers look there. */
function placeFiles(root: Directory, take: (sectors: number) => number): ReadonlyMap<IsoFile, number> {
  const places = new Map<IsoFile, number>();
  const known = new Map<string, number>();
  for (const file of inTableOrder(root, "plain").flatMap(({ files }) => files)) {
    const content = Buffer.from(file.bytes).toString("latin1");
    const sector = known.get(content) ?? take(Math.max(1, sectorsOf(file.bytes.length)));
    known.set(content, sector);
    places.set(file, sector);
  }
  return places;
}

interface Written {
  readonly contents: ReadonlyMap<IsoFile, number>;
  readonly atMs: number;
}

function writeDirectories(image: Buffer, layout: Layout, { contents, atMs }: Written): void {
  const { kind, directories, places, tables } = layout;
  const placeOf = (directory: Directory) => {
    const place = places.get(directory);
    if (place === undefined) throw new Error("A directory of the drive has no place.");
    return place;
  };
  tables.forEach((sector, index) => {
    const table = pathTable(directories, {
      kind,
      sectorOf: (directory) => placeOf(directory).sector,
      bigEndian: index === 1,
    });
    table.copy(image, sector * sectorBytes);
  });
  for (const directory of directories) {
    const extents = {
      self: placeOf(directory),
      parent: placeOf(directory.parent ?? directory),
      ofDirectory: placeOf,
      ofFile: (file: IsoFile) => ({ sector: contents.get(file) ?? 0, bytes: file.bytes.length }),
    };
    let at = placeOf(directory).sector * sectorBytes;
    for (const record of directoryRecord(directory, { kind, extents, atMs })) {
      // A record never crosses the end of a sector.
      if ((at % sectorBytes) + record.length > sectorBytes) at += sectorBytes - (at % sectorBytes);
      record.copy(image, at);
      at += record.length;
    }
  }
}

interface Described extends IsoOptions {
  readonly root: Directory;
  readonly sectors: number;
}

/** ECMA-119, 8.4 and 8.5; Joliet's differs by its escape sequence and by its names in UCS-2. */
function volumeDescriptor(layout: Layout, { root, sectors, label, atMs }: Described): Buffer {
  const { kind, places, tables, tableBytes } = layout;
  const descriptor = Buffer.alloc(sectorBytes);
  const field = (text: string, at: number, length: number) =>
    textField(text, { length, joliet: kind === "joliet" }).copy(descriptor, at);
  descriptor.writeUInt8(kind === "plain" ? 1 : 2, 0);
  descriptor.write("CD001", 1, "latin1");
  descriptor.writeUInt8(1, 6);
  field("", 8, 32);
  field(label, 40, 32);
  bothEndian(sectors, 4).copy(descriptor, 80);
  // Level 3 of Joliet: names in UCS-2.
  if (kind === "joliet") descriptor.write("%/E", 88, "latin1");
  for (const at of [120, 124]) bothEndian(1, 2).copy(descriptor, at);
  bothEndian(sectorBytes, 2).copy(descriptor, 128);
  bothEndian(tableBytes, 4).copy(descriptor, 132);
  descriptor.writeUInt32LE(tables[0], 140);
  descriptor.writeUInt32BE(tables[1], 148);
  const place = places.get(root) ?? { sector: 0, bytes: 0 };
  const extents = { self: place, parent: place, ofDirectory: () => place, ofFile: () => place };
  directoryRecord({ ...root, directories: [], files: [] }, { kind, extents, atMs })[0]?.copy(descriptor, 156);
  field("", 190, 128);
  for (const at of [318, 446, 574]) field("", at, 128);
  for (const at of [702, 739, 776]) field("", at, 37);
  for (const at of [813, 830]) volumeTime(atMs).copy(descriptor, at);
  for (const at of [847, 864]) volumeTime(undefined).copy(descriptor, at);
  descriptor.writeUInt8(1, 881);
  return descriptor;
}
