/**
 * A directory on a file system that can be made to hang (fuse-server.ts), for specs of guests whose storage
 * does not answer. Whoever makes it hang must look at its files by `behind` only: every access to `directory`
 * waits, also that of the spec itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";

/** Why no such storage can be made here; undefined: it can. */
export function missingForHangingStorage(): string | undefined {
  if (process.getuid?.() !== 0) return "only root may mount a file system that hangs";
  return existsSync("/dev/fuse") ? undefined : "there is no /dev/fuse for a file system that hangs";
}

export class HangingStorage {
  readonly directory: string;
  /** The same files, on a file system that always answers. */
  readonly behind: string;
  readonly #server: ChildProcess;
  readonly #lines: Interface;

  private constructor(path: string) {
    this.directory = join(path, "mounted");
    this.behind = join(path, "behind");
    for (const directory of [this.directory, this.behind]) mkdirSync(directory, { mode: 0o755 });
    const argv = [join(import.meta.dirname, "fuse-server.ts"), this.behind, this.directory];
    this.#server = spawn(process.execPath, argv, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#server.stdout === null) throw new Error("The file system has no output.");
    this.#lines = createInterface(this.#server.stdout);
  }

  /** `path`: an empty directory. @throws Error when it cannot be mounted */
  static async mount(path: string): Promise<HangingStorage> {
    const storage = new HangingStorage(path);
    await storage.#hear("mounted");
    return storage;
  }

  /** From now on every access waits. */
  hang = (): Promise<void> => this.#say("hang");

  /** What waits is answered. */
  answer = (): Promise<void> => this.#say("answer");

  async close(): Promise<void> {
    await this.answer();
    const ended = new Promise((resolve) => this.#server.once("exit", resolve));
    this.#server.stdin?.end();
    await ended;
  }

  async #say(word: string): Promise<void> {
    const heard = this.#hear(word);
    this.#server.stdin?.write(`${word}\n`);
    await heard;
  }

  #hear(word: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error("The file system that hangs could not be served."));
      this.#server.once("exit", ended);
      this.#lines.once("line", (line) => {
        this.#server.off("exit", ended);
        if (line === word) resolve();
        else reject(new Error(`The file system says ${line} instead of ${word}.`));
      });
    });
  }
}
