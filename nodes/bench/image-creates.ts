/**
 * What a host's part of a create takes by where its image is: in the host's cache, in the controllers'
 * directory, or with controllers elsewhere. In turns, on a host without guests, whose process nothing else
 * uses. It must never find in the cache what it says is not there.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../../protocol/machine.ts";
import { filesDisks } from "../drivers/files/index.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { round, spread } from "./figures.ts";

export interface MadeFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface ImageCreatesOptions {
  readonly directory: string;
  /** In `store` below it. */
  readonly file: MadeFile;
  readonly url: string;
  readonly ticket: (sha256: string) => string;
  readonly pairs: number;
}

const silent = () => undefined;

/** Milliseconds, in the middle of so many. */
export async function imageCreates({ directory, file, url, ticket, pairs }: ImageCreatesOptions) {
  const stateDirectory = join(directory, "host");
  // Where the agent is root, guests are users of their own, and pass through.
  await chmod(directory, 0o711);
  await mkdir(stateDirectory);
  const ids = systemIds(0);
  const open = (imagesOverNetwork: boolean) => {
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const host = { hostId: "bench", hostName: "bench", stateDirectory, computerDirectory: stateDirectory };
    const imageOrigins = async () => [{ url, ticket: ticket(file.sha256) }];
    const context = { ...host, imageStore: join(directory, "store"), clock: systemClock, ids, log };
    return filesDisks.open({ ...context, imageOrigins }, { imagesOverNetwork }).disks;
  };
  const [copying, pulling] = [open(false), open(true)];
  const forget = () => rm(join(stateDirectory, "images", file.sha256), { force: true });
  const create = async (disks: typeof copying): Promise<number> => {
    const spec = specOf(ids.next(), file);
    const sinceMs = performance.now();
    await disks.ensure(spec, new AbortController().signal);
    const tookMs = performance.now() - sinceMs;
    await disks.release(spec.instanceId);
    return tookMs;
  };
  const took: Record<"copied" | "cached" | "pulled", number[]> = { copied: [], cached: [], pulled: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    await forget();
    took.copied.push(await create(copying));
    for (let again = 0; again < 10; again += 1) took.cached.push(await create(pulling));
    await forget();
    took.pulled.push(await create(pulling));
  }
  const [cached, copied, pulled] = [spread(took.cached), spread(took.copied), spread(took.pulled)];
  const middles = { cachedMs: round(cached.p50), copiedMs: round(copied.p50), pulledMs: round(pulled.p50) };
  return { ...middles, spreadMs: { cached, copied, pulled } };
}

/** A guest without a disk of its own, so that no tool is called: the file is its kernel. */
export const specOf = (instanceId: string, { sha256, sizeBytes }: MadeFile): MachineSpec => ({
  ...{ instanceId, project: "bench", name: "bench", ownerEpoch: 1, architecture: "x86_64", vcpus: 1 },
  ...{ memoryMib: 64, diskGib: 0, macAddress: "52:54:00:00:00:01", fence: false, storageId: null },
  image: { id: "bench", disk: null, kernel: { sha256, sizeBytes }, ramdisk: null, commandLine: "" },
  ...{ takesOverDisk: false, recovery: "restart", machineType: null, numa: null },
});
