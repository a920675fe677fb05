/**
 * The consoles port on the log files that QEMU appends to. A position is a byte's distance from the guest's
 * first byte and never changes: trimming punches a hole into the front of the file, so its length goes on
 * growing and its disk space does not. A guest's user may have put a link or a pipe in a log's place: this
 * file must never follow the one, nor wait on the other.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ConsolePage, Consoles } from "../../actors/ports/consoles.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { type ConsoleStart, readConsolePage } from "./console-page.ts";
import { isMissing } from "./durable-file.ts";
import { guestDirectory, guestFiles, type StateDirectories } from "./guest-directory.ts";
import { driverLimits } from "./limits.ts";
import { runTool } from "./tool.ts";

/** The files to trim: each log of a guest, and the bytes kept of it. */
const logs = [
  { name: guestFiles.console, bytesMax: driverLimits.consoleLogBytesMax },
  { name: guestFiles.processLog, bytesMax: driverLimits.processLogBytesMax },
] as const;

export class FileConsoles implements Consoles {
  readonly #directories: StateDirectories;
  readonly #log: Log;

  constructor(directories: StateDirectories, log: Log) {
    this.#directories = directories;
    this.#log = log;
  }

  async read(instanceId: string, from: ConsoleStart): Promise<ConsolePage | undefined> {
    const path = join(guestDirectory(this.#directories, instanceId), guestFiles.console);
    const file = await openLog(path, constants.O_RDONLY);
    if (file === undefined) return undefined;
    try {
      const { size } = await file.stat();
      return await readConsolePage({ size, read: (start, end) => readBytes(file, start, end) }, from);
    } finally {
      await file.close();
    }
  }

  async trim(): Promise<void> {
    // A guest whose log cannot be trimmed keeps the logs of no other one from being trimmed.
    for (const instanceId of await readdir(this.#directories.guests))
      for (const { name, bytesMax } of logs)
        await this.#trimOne(join(this.#directories.guests, instanceId, name), bytesMax).catch(
          (err: unknown) => this.#log.warn({ instanceId, err }, "a guest's log could not be trimmed"),
        );
  }

  async #trimOne(path: string, bytesMax: number): Promise<void> {
    const file = await openLog(path, constants.O_RDWR);
    if (file === undefined) return;
    try {
      const { size, blocks } = await file.stat();
      // Twice the size: a log that grows steadily must not be trimmed at every look.
      if (size <= bytesMax || blocks * 512 <= bytesMax * 2) return;
      const argv = ["--punch-hole", "--offset", "0", "--length", String(size - bytesMax), "/proc/self/fd/3"];
      const result = await runTool("fallocate", argv, {
        timeoutMs: driverLimits.diskToolTimeoutMs,
        descriptor: file.fd,
      });
      if (result.exitCode !== 0)
        this.#log.warn({ errors: result.errors }, "a guest's log could not be trimmed");
    } finally {
      await file.close();
    }
  }
}

/**
 * Opens a log; undefined when there is none: never made, removed, not an ordinary file, or under a lease that
 * the guest's user has on it (fcntl(2)).
 */
async function openLog(path: string, mode: number): Promise<FileHandle | undefined> {
  try {
    const file = await open(path, mode | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const none = ["ELOOP", "ENXIO", "EISDIR", "EAGAIN"];
    if (isMissing(error) || none.includes(String(code))) return undefined;
    throw error;
  }
}

async function readBytes(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, end - start));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}
