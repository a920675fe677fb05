/**
 * Reads an ISO 9660 volume as strictly as the standard is written, by either kind of names: a second opinion
 * on what the writer of config drives makes. It shares no code with the writer. @throws Error for whatever a
 * reader could stumble over
 */
import { expect } from "chai";

const sector = 2_048;

export interface ReadVolume {
  readonly label: string;
  readonly bytes: number;
  readonly files: ReadonlyMap<string, Buffer>;
}

export function readIso(image: Buffer, names: "plain" | "joliet"): ReadVolume {
  expect(image.length % sector, "whole sectors").to.equal(0);
  const at = (names === "plain" ? 16 : 17) * sector;
  const descriptor = image.subarray(at, at + sector);
  expect(descriptor.toString("latin1", 1, 6)).to.equal("CD001");
  expect(descriptor.readUInt8(0)).to.equal(names === "plain" ? 1 : 2);
  expect(image.subarray(18 * sector, 18 * sector + 7).toString("latin1")).to.equal("\u00ffCD001\u0001");
  const text = (bytes: Buffer): string =>
    names === "plain" ? bytes.toString("latin1") : Buffer.from(bytes).swap16().toString("utf16le");
  if (names === "joliet") expect(descriptor.toString("latin1", 88, 91)).to.equal("%/E");
  const files = new Map<string, Buffer>();
  const directories: string[] = [];
  const visit = (start: number, length: number, path: string, parentStart: number): void => {
    directories.push(path);
    expect(directories.length).to.be.below(100);
    const records = recordsIn(image.subarray(start * sector, start * sector + length));
    const [self, parent, ...entries] = records;
    expect([self?.identifier.toString("hex"), self?.start, self?.length]).to.deep.equal([
      "00",
      start,
      length,
    ]);
    expect([parent?.identifier.toString("hex"), parent?.start]).to.deep.equal(["01", parentStart]);
    const identifiers = entries.map(({ identifier }) => identifier);
    expect(identifiers, "in order").to.deep.equal([...identifiers].sort(Buffer.compare));
    for (const entry of entries) {
      const name = text(entry.identifier);
      if (entry.isDirectory) visit(entry.start, entry.length, `${path}${name}/`, start);
      else {
        expect(files.has(`${path}${name}`), name).to.equal(false);
        files.set(`${path}${name}`, whole(image, entry));
      }
    }
  };
  const [root] = recordsIn(descriptor.subarray(156, 190));
  if (root === undefined) throw new Error("The volume has no root.");
  visit(root.start, root.length, "", root.start);
  tablesAgree(image, descriptor, directories.length);
  return {
    label: text(descriptor.subarray(40, 72)).trimEnd(),
    bytes: both(descriptor, 80, 4) * sector,
    files,
  };
}

function whole(image: Buffer, { start, length }: { start: number; length: number }): Buffer {
  const bytes = image.subarray(start * sector, start * sector + length);
  expect(bytes.length, "inside the volume").to.equal(length);
  return bytes;
}

function recordsIn(extent: Buffer) {
  const records = [];
  for (let at = 0; at < extent.length; ) {
    const length = extent.readUInt8(at);
    if (length === 0) {
      at += sector - (at % sector);
      continue;
    }
    expect((at % sector) + length, "inside one sector").to.be.at.most(sector);
    const record = extent.subarray(at, at + length);
    records.push({
      start: both(record, 2, 4),
      length: both(record, 10, 4),
      isDirectory: (record.readUInt8(25) & 2) !== 0,
      identifier: record.subarray(33, 33 + record.readUInt8(32)),
    });
    at += length;
  }
  return records;
}

/** A number that is written twice must be the same twice. */
function both(bytes: Buffer, at: number, length: number): number {
  const low = bytes.readUIntLE(at, length);
  expect(bytes.readUIntBE(at + length, length)).to.equal(low);
  return low;
}

/** Both path tables name the same directories, each with its own extent, a parent before its children. */
function tablesAgree(image: Buffer, descriptor: Buffer, directories: number): void {
  const length = both(descriptor, 132, 4);
  const [low, high] = [descriptor.readUInt32LE(140), descriptor.readUInt32BE(148)].map((start) =>
    image.subarray(start * sector, start * sector + length),
  );
  if (low === undefined || high === undefined) throw new Error("A path table is missing.");
  let count = 0;
  for (let at = 0; at < length; count += 1) {
    const named = low.readUInt8(at);
    const start = low.readUInt32LE(at + 2);
    expect(high.readUInt32BE(at + 2)).to.equal(start);
    expect(low.readUInt16LE(at + 6))
      .to.equal(high.readUInt16BE(at + 6))
      .and.be.at.most(Math.max(1, count));
    expect(low.subarray(at + 8, at + 8 + named)).to.deep.equal(high.subarray(at + 8, at + 8 + named));
    const [self] = recordsIn(image.subarray(start * sector, start * sector + 34));
    expect(self?.start, "a directory lies where the table says").to.equal(start);
    at += 8 + named + (named % 2);
  }
  expect(count).to.equal(directories);
}
