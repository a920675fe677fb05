/**
 * Leases on cached images: who has one may make a guest from the image, and nobody evicts it meanwhile. They
 * hold within the process, and by a file, `<sha256>.<pid>-<random>.lease`, for another agent of the same host
 * that is not gone yet. A lease of a process that is gone counts no more.
 */
import { randomBytes } from "node:crypto";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../durable-file.ts";

const pattern = /^(?<sha256>[0-9a-f]{64})\.(?<pid>\d{1,10})-[0-9a-f]{12}\.lease$/;

export class ImageLeases {
  readonly #directory: string;
  readonly #held = new Map<string, number>();
  /** Evictions under way: a lease waits for them. */
  readonly #evicting = new Map<string, Promise<unknown>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Does the work while the images are leased. */
  async holding<Answer>(sha256s: readonly string[], work: () => Promise<Answer>): Promise<Answer> {
    const files: string[] = [];
    for (const sha256 of sha256s) await this.#take(sha256);
    try {
      for (const sha256 of sha256s) files.push(await this.#write(sha256));
      return await work();
    } finally {
      for (const path of files) await rm(path, { force: true });
      for (const sha256 of sha256s) this.#give(sha256);
    }
  }

  /** Does the work on an image that nobody of this process leases meanwhile; undefined: it is leased. */
  async unleased<Answer>(sha256: string, work: () => Promise<Answer>): Promise<Answer | undefined> {
    if (this.#held.has(sha256) || this.#evicting.has(sha256)) return undefined;
    const done = work();
    this.#evicting.set(sha256, done);
    try {
      return await done;
    } finally {
      this.#evicting.delete(sha256);
    }
  }

  /** The images that are leased by any process; files of those that are gone are removed. */
  async leased(): Promise<ReadonlySet<string>> {
    const leased = new Set(this.#held.keys());
    for (const name of await readdir(this.#directory)) {
      const { sha256, pid } = pattern.exec(name)?.groups ?? {};
      if (sha256 === undefined || pid === undefined) continue;
      if (await lives(pid)) leased.add(sha256);
      else await rm(join(this.#directory, name), { force: true });
    }
    return leased;
  }

  async #take(sha256: string): Promise<void> {
    for (;;) {
      const evicting = this.#evicting.get(sha256);
      if (evicting === undefined) break;
      await evicting.catch(() => undefined);
      // Its own end of the work comes first.
      await Promise.resolve();
    }
    this.#held.set(sha256, (this.#held.get(sha256) ?? 0) + 1);
  }

  #give(sha256: string): void {
    const left = (this.#held.get(sha256) ?? 1) - 1;
    if (left > 0) this.#held.set(sha256, left);
    else this.#held.delete(sha256);
  }

  async #write(sha256: string): Promise<string> {
    const random = randomBytes(6).toString("hex");
    const path = join(this.#directory, `${sha256}.${process.pid}-${random}.lease`);
    await writeFile(path, "", { flag: "wx", mode: 0o600 });
    return path;
  }
}

async function lives(pid: string): Promise<boolean> {
  try {
    await stat(`/proc/${pid}`);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
