/**
 * The machine files port: one small JSON file per machine, so that a starting agent knows its machines.
 * Separate from the guests' directories, because a machine is remembered until it is gone, and a guest's
 * directory is removed before that.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import { isToken } from "../../protocol/wire/subjects.ts";
import { isDiskFull, isTemporaryName, syncDirectory, writeDurably } from "./durable-file.ts";
import { exists, type StateDirectories } from "./guest-directory.ts";
import { padded, SpareFile } from "./spare-file.ts";

const suffix = ".json";

export class DirectoryMachineFiles implements MachineFiles {
  readonly #directory: string;
  readonly #spare: SpareFile;

  constructor(directories: StateDirectories) {
    this.#directory = directories.machines;
    this.#spare = new SpareFile(this.#directory);
  }

  /**
   * A full disk has no room for the file of a new machine; the files that are there can still be replaced.
   */
  async write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void> {
    const path = this.#path(instanceId);
    const text = padded(JSON.stringify(content));
    try {
      await writeDurably(path, text);
    } catch (error) {
      if (!isDiskFull(error) || !(await exists(path))) throw error;
      await this.#spare.replace(path, text);
      return;
    }
    await this.#spare.prepare();
  }

  async remove(instanceId: string): Promise<void> {
    await rm(this.#path(instanceId), { force: true });
    await syncDirectory(this.#directory);
  }

  async readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]> {
    await this.#spare.prepare();
    const names = await readdir(this.#directory);
    const leftovers = names.filter(isTemporaryName);
    await Promise.all(leftovers.map((name) => rm(join(this.#directory, name), { force: true })));
    const files = names.filter((name) => name.endsWith(suffix) && isToken(name.slice(0, -suffix.length)));
    await this.#spare.pad(files.map((name) => join(this.#directory, name)));
    return Promise.all(files.map((name) => this.#read(name)));
  }

  async #read(name: string) {
    const instanceId = name.slice(0, -suffix.length);
    try {
      const content: unknown = JSON.parse(await readFile(join(this.#directory, name), "utf8"));
      return { instanceId, content };
    } catch {
      // Unreadable or damaged: by the port its content is undefined, and the actor decides.
      return { instanceId, content: undefined };
    }
  }

  #path(instanceId: string): string {
    if (!isToken(instanceId)) throw new Error("An instance id that is no token cannot name a file.");
    return join(this.#directory, `${instanceId}${suffix}`);
  }
}
