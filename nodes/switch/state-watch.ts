/**
 * Notices that the state file was replaced: by the kernel's word, by the driver's (SIGHUP), and by looking
 * twice a second, since words can be lost. One reading at a time; what changes meanwhile is read afterwards.
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { switchLimits } from "./limits.ts";

export class StateWatch {
  readonly #path: string;
  readonly #read: () => Promise<void>;
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;
  #seen = "";
  #isReading = false;
  #isAsked = false;

  /** `read` must not fail. */
  constructor(path: string, read: () => Promise<void>) {
    this.#path = path;
    this.#read = read;
    this.#watcher = this.#begin();
    this.#timer = setInterval(() => this.#look(), switchLimits.statePeriodMs);
    this.#look();
  }

  /** Reads the file, also when it seems to be the same. */
  ask(): void {
    this.#seen = "";
    this.#look();
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  /** Undefined: the kernel has no watch left; looking has to do. */
  #begin(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#path), (_, name) => {
        if (name === basename(this.#path)) this.#look();
      });
      watcher.on("error", () => watcher.close());
      return watcher;
    } catch {
      return undefined;
    }
  }

  #look(): void {
    const seen = seenAt(this.#path);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#isAsked = true;
    if (!this.#isReading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    while (this.#isAsked) {
      this.#isAsked = false;
      await this.#read();
    }
    this.#isReading = false;
  }
}

/** Names the file that is there; what is wrong with one that is not is found out by reading. */
function seenAt(path: string): string {
  try {
    const { ino, mtimeNs, size } = statSync(path, { bigint: true });
    return `${ino}/${mtimeNs}/${size}`;
  } catch {
    return "missing";
  }
}
