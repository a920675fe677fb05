/**
 * What the load's guests have written to a volume (writing-disk.ts): which start of a guest wrote which of
 * the records, and which of them are missing. A volume that no such guest has had is empty. It only reads.
 */
import { open } from "node:fs/promises";

const sectorBytes = 512;
/** What the guests put at the beginning of each sector: NVCT. */
const magic = 0x5443564e;
/** Sectors that are read at once. */
const readAtOnce = 2_048;

export interface WriterLog {
  /** Records, as the first sector says. */
  readonly count: number;
  /** Records in a row that one start of a guest wrote. */
  readonly runs: readonly { readonly writer: string; readonly from: number; readonly to: number }[];
  /** Numbers of records that are not what they were written as. */
  readonly lost: readonly number[];
}

interface Sector {
  readonly number: number;
  readonly writer: string;
}

/** Undefined: nothing is written there. */
function sectorAt(bytes: Buffer, at: number): Sector | undefined {
  if (bytes.readUInt32LE(at) !== magic) return undefined;
  return { number: bytes.readUInt32LE(at + 4), writer: bytes.readUInt32LE(at + 8).toString(16) };
}

/** `records`: the sectors after the first, in their order. Pure. */
export function logOf(count: number, records: readonly (Sector | undefined)[]): WriterLog {
  const runs: { writer: string; from: number; to: number }[] = [];
  const lost: number[] = [];
  for (const [index, record] of records.entries()) {
    const number = index + 1;
    const last = runs.at(-1);
    if (record?.number !== number) lost.push(number);
    else if (last?.writer === record.writer) last.to = number;
    else runs.push({ writer: record.writer, from: number, to: number });
  }
  return { count, runs, lost };
}

/** The log in a volume's file; undefined without the file, or before a guest has written to it. */
export async function readWriterLog(path: string): Promise<WriterLog | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer: first } = await file.read(Buffer.alloc(sectorBytes), 0, sectorBytes, 0);
    const count = sectorAt(first, 0)?.number ?? 0;
    if (count === 0) return undefined;
    const records: (Sector | undefined)[] = [];
    while (records.length < count) {
      const sectors = Math.min(readAtOnce, count - records.length);
      const bytes = Buffer.alloc(sectors * sectorBytes);
      await file.read(bytes, 0, bytes.length, (records.length + 1) * sectorBytes);
      for (let at = 0; at < bytes.length; at += sectorBytes) records.push(sectorAt(bytes, at));
    }
    return logOf(count, records);
  } finally {
    await file.close();
  }
}
