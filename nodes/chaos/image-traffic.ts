/**
 * A client of the load that sends images and fetches them: each is made, sent, some of them broken off and
 * sent on, fetched again, and deleted. It tells what came by its checksum, and why an image was refused that
 * was sent as it was named; it must never judge.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Novact } from "../sdk/sdk.ts";
import { StatusError } from "../sdk/sdk.ts";
import type { Random } from "./random.ts";
import type { Recorder } from "./recorder.ts";

export interface ImageTrafficOptions {
  /** Begins the name of each image. */
  readonly name: string;
  readonly novact: Pick<Novact, "image" | "sendImage" | "fetchImage">;
  readonly recorder: Pick<Recorder, "tell">;
  readonly random: Random;
  readonly pauseMs: number;
  /** Aborted when no further image is to be made; what is under way is brought to its end. */
  readonly ending: AbortSignal;
}

const patient = { timeoutMs: 90_000 };
const sectorBytes = 512;
/** In one message of the bus, in some of them, and by HTTP. */
const sectors = { one: 60, some: 700, many: 2_400 } as const;
const brokenOffShare = 0.4;

export async function sendImages(options: ImageTrafficOptions): Promise<void> {
  const { ending, random, pauseMs, name } = options;
  for (let made = 1; !ending.aborted; made += 1) {
    await sleep(pauseMs * random.between(0.3, 1.7), undefined, { signal: ending }).catch(() => undefined);
    if (!ending.aborted) await sendOne(options, `${name}-${made}`).catch(passing);
  }
}

/** What is broken may last longer than a client's patience. @throws what is no answer of the cluster */
function passing(thrown: unknown): void {
  if (!(thrown instanceof StatusError)) throw thrown;
}

async function sendOne(options: ImageTrafficOptions, name: string): Promise<void> {
  const { novact } = options;
  const { image } = await novact.image.create({ name }, patient);
  try {
    const content = contentOf(options.random);
    if (options.random.next() < brokenOffShare) await breakOff(options, image.id, content);
    const sha256 = digestOf(content);
    await novact.sendImage(image.id, sourceOf(content), { format: "raw", sha256 });
    await fetchBack(options, image.id, sha256);
  } catch (thrown) {
    if (thrown instanceof StatusError)
      options.recorder.tell({
        ...{ kind: "imageRefused", atMs: Date.now(), imageId: image.id, reason: thrown.reason },
      });
    throw thrown;
  } finally {
    await novact.image.delete(image.id, {}, patient);
  }
}

/** A client that closes its terminal in the middle of an upload. */
async function breakOff({ novact }: ImageTrafficOptions, id: string, content: Buffer): Promise<void> {
  const closed = new AbortController();
  const onProgress = (done: number) => {
    if (done > 0) closed.abort();
  };
  const kind = { format: "raw", sha256: digestOf(content) } as const;
  await novact
    .sendImage(id, sourceOf(content), { ...kind, onProgress, signal: closed.signal })
    .catch((thrown: unknown) => {
      if (!closed.signal.aborted) throw thrown;
    });
}

async function fetchBack(
  { novact, recorder, name }: ImageTrafficOptions,
  id: string,
  sha256: string,
): Promise<void> {
  const hash = createHash("sha256");
  const { pieces } = await novact.fetchImage(id, { sha256 });
  for await (const piece of pieces) hash.update(piece);
  recorder.tell({ kind: "imageServed", atMs: Date.now(), to: name, sha256, digest: hash.digest("hex") });
}

/** cli; hlt; jmp back to hlt. Source: IBM PC BIOS boot sector convention. */
const halting = [0xfa, 0xf4, 0xeb, 0xfd];
const bootable = [0x55, 0xaa];

/** A disk from which a guest could boot, and no other one. */
function contentOf(random: Random): Buffer {
  const count = sectors[random.weighted({ one: 3, some: 2, many: 1 })];
  const content = Buffer.alloc(count * sectorBytes);
  for (let at = 0; at < content.length; at += 4)
    content.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  content.set(halting, 0);
  content.set(bootable, sectorBytes - bootable.length);
  return content;
}

function sourceOf(content: Buffer) {
  return {
    sizeBytes: content.length,
    async *from(offset: number) {
      yield content.subarray(offset);
    },
  };
}

const digestOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
