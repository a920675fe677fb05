/**
 * The machine files port: one small JSON file per machine, so that a starting agent knows its machines.
 * Separate from the guests' directories, because a machine is remembered until it is gone, and a guest's
 * directory is removed before that.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineFiles } from "../../actors/ports/machine-files.ts";
import { isToken } from "../../protocol/wire/subjects.ts";
import { isTemporaryName, syncDirectory, writeDurably } from "./durable-file.ts";
import type { StateDirectories } from "./guest-directory.ts";

const suffix = ".json";

export class DirectoryMachineFiles implements MachineFiles {
  readonly #directory: string;

  constructor(directories: StateDirectories) {
    this.#directory = directories.machines;
  }

  async write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void> {
    await writeDurably(this.#path(instanceId), JSON.stringify(content));
  }

  async remove(instanceId: string): Promise<void> {
    await rm(this.#path(instanceId), { force: true });
    await syncDirectory(this.#directory);
  }

  async readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]> {
    const names = await readdir(this.#directory);
    const leftovers = names.filter(isTemporaryName);
    await Promise.all(leftovers.map((name) => rm(join(this.#directory, name), { force: true })));
    const files = names.filter((name) => name.endsWith(suffix) && isToken(name.slice(0, -suffix.length)));
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
