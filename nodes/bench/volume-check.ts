/**
 * Checks a volume of a counting guest, which has each number in the block of that number: whether none is
 * missing or out of place, whether each life of the guest wrote in one piece, so that none wrote beside
 * another, and whether every number is there that was said on the console.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Boot } from "./counters.ts";
import { fileLine, recordBytes } from "./counting-guest.ts";
import type { DiskFindings } from "./disk-check.ts";

const chunkBytes = 1024 ** 2;
/** More than any run writes: whatever comes after so many empty blocks is not looked for. */
const emptyMax = 20_000;

export interface VolumeRecord {
  readonly place: number;
  readonly text: string;
}

/** The records as they are at this moment, the first of which is where the volume came to the guest. */
export async function recordsOf(path: string): Promise<readonly VolumeRecord[]> {
  const file = await open(path, "r");
  try {
    return await recordsIn(file);
  } finally {
    await file.close();
  }
}

async function recordsIn(file: FileHandle): Promise<readonly VolumeRecord[]> {
  const found: VolumeRecord[] = [];
  const chunk = Buffer.alloc(chunkBytes);
  let [place, empty] = [0, 0];
  while (empty < emptyMax) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, place * recordBytes);
    if (bytesRead === 0) return found;
    for (let at = 0; at + recordBytes <= bytesRead; at += recordBytes, place += 1) {
      const block = chunk.subarray(at, at + recordBytes);
      empty = block[0] === 0 ? empty + 1 : 0;
      if (block[0] !== 0) found.push({ place, text: block.toString("latin1").replace(/\n?\0*$/, "") });
    }
  }
  return found;
}

/** `boots`: the numbers that were said on consoles until the records were read, in the order of the lives. */
export function checkRecords(records: readonly VolumeRecord[], boots: readonly Boot[]): DiskFindings {
  const problems: string[] = [];
  const lastOf = new Map<string, number>();
  let before: { readonly place: number; readonly bootId: string } | undefined;
  for (const { place, text } of records) {
    const [, number, bootId = ""] = fileLine.exec(text) ?? [];
    const what = JSON.stringify(text.slice(0, 80));
    if (Number(number) !== place) problems.push(`block ${place} of the volume has ${what}`);
    if (before !== undefined && place !== before.place + 1)
      problems.push(`block ${place} of the volume comes after block ${before.place}`);
    if (before?.bootId !== bootId && lastOf.has(bootId))
      problems.push(`block ${place} of the volume has a life that had ended: ${what}`);
    lastOf.set(bootId, place);
    before = { place, bootId };
    if (problems.length > 5) break;
  }
  const first = records[0]?.place ?? 1;
  return { problems: [...problems, ...lost(boots, first, lastOf)], lines: records.length };
}

function lost(boots: readonly Boot[], first: number, lastOf: ReadonlyMap<string, number>): readonly string[] {
  return boots
    .filter(({ bootId, last }) => last >= first && (lastOf.get(bootId) ?? 0) < last)
    .map(
      ({ bootId, node, last }) =>
        `the guest said ${last} on ${node}, and its volume ends at ${lastOf.get(bootId) ?? "nothing"} for that boot`,
    );
}
