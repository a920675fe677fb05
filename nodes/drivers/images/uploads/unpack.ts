/**
 * Unpacks an upload with the tool of its format, in the cage: the tool reads a descriptor and writes to a
 * pipe, and what comes out is bounded here, whatever the tool does. Zeros become holes. It must never write
 * more than the bound, nor run a tool outside of the cage.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { type FileHandle, open } from "node:fs/promises";
import type { Digests, Packing } from "../../../../actors/ports/image-uploads.ts";
import { collect, toolEnvironment } from "../../tool.ts";
import { abortError, throwIfAborted } from "../../waiting.ts";
import { cagedCommand } from "../cage.ts";
import { imageLimits } from "../limits.ts";
import { unusable } from "../refusal.ts";
import { appendSparse } from "../sparse-file.ts";
import { refusalOf, type ToolEnd } from "../tool-end.ts";
import { hashing } from "./digests.ts";

const tools: Readonly<Record<Packing, readonly string[]>> = {
  gzip: ["gzip", "-dc"],
  xz: ["xz", "-dc", "-T1", "--memlimit-decompress=256MiB"],
  zstd: ["zstd", "-dcq", "--single-thread", "--memory=134217728"],
};

export interface Unpacked {
  readonly digests: Digests;
  readonly sizeBytes: number;
}

export interface Unpacking {
  readonly packing: Packing;
  /** A new file. */
  readonly target: FileHandle;
  /** Of what may come out. */
  readonly bytesMax: number;
  /** Asked each unpackRoomBytes. @throws diskFull */
  readonly needRoom: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * Unpacks the file into `target`.
 * @throws INVALID_ARGUMENT unusableImage; UNAVAILABLE toolFailed; what needRoom throws; the system's error
 * when the disk is full; AbortError
 */
export async function unpack(source: string, unpacking: Unpacking): Promise<Unpacked> {
  throwIfAborted(unpacking.signal);
  const packed = await open(source, "r");
  try {
    const child = await start(unpacking.packing, packed.fd);
    return await takeAll(child, { ...unpacking, ended: endOf(child) });
  } finally {
    await packed.close();
  }
}

/** Whatever ends it, the tool is gone then. */
async function takeAll(child: ChildProcess, taking: Taking): Promise<Unpacked> {
  const { signal } = taking;
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, imageLimits.imageConvertTimeoutMs);
  try {
    return await take(child, taking);
  } catch (error) {
    throw signal.aborted ? abortError() : error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
    stop();
    await taking.ended;
  }
}

async function start(packing: Packing, descriptor: number): Promise<ChildProcess> {
  const { imageConvertTimeoutMs: timeoutMs, imageConvertMemoryBytesMax: memoryBytes } = imageLimits;
  const [command = "", ...argv] = await cagedCommand(tools[packing], {
    timeoutMs,
    memoryBytes,
    fileBytes: 0,
  });
  return spawn(command, argv, { cwd: "/", env: toolEnvironment, stdio: [descriptor, "pipe", "pipe"] });
}

function endOf(child: ChildProcess): Promise<ToolEnd> {
  const errors = collect(child.stderr, imageLimits.toolErrorsBytesMax);
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({ exitCode: null, endSignal: null, isLate: false, errors: error.message }),
    );
    child.once("close", (exitCode, endSignal) =>
      resolve({ exitCode, endSignal, isLate: child.killed, errors: errors() }),
    );
  });
}

interface Taking extends Unpacking {
  readonly ended: Promise<ToolEnd>;
}

async function take(child: ChildProcess, taking: Taking): Promise<Unpacked> {
  const { target, bytesMax, ended, packing, needRoom } = taking;
  const digests = hashing();
  let [sizeBytes, lookedBytes] = [0, 0];
  for await (const bytes of child.stdout as AsyncIterable<Buffer>) {
    if (sizeBytes + bytes.length > bytesMax)
      throw unusable(`unpacked it has more than ${bytesMax} bytes, too many for what was sent`);
    if (sizeBytes - lookedBytes >= imageLimits.unpackRoomBytes) {
      await needRoom();
      lookedBytes = sizeBytes;
    }
    digests.update(bytes);
    await appendSparse(target, bytes, sizeBytes);
    sizeBytes += bytes.length;
  }
  const end = await ended;
  const why = `${packing} cannot unpack it to its end`;
  if (end.exitCode !== 0) throw refusalOf(end, { why, doing: "Unpacking an image" });
  return { digests: digests.digest(), sizeBytes };
}
