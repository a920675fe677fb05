/**
 * For whom the volumes of a storage are open, in empty files, so that a full disk can take them. Each use is
 * written twice: beside the volume's data, where a rename makes it void, and in the directory of its host,
 * which so finds its own without looking at the volumes of all others. What is beside the data is what
 * counts; it is written last and removed first, so that the host never fails to find it. Synchronous, as
 * directory.ts.
 */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { isMissing } from "../durable-file.ts";
import { putFile, syncPath } from "./files.ts";
import {
  dataFile,
  hostEntry,
  hostEntryIn,
  nameOf,
  type Opened,
  type OpenedVolume,
  openedIn,
  openedName,
} from "./names.ts";

export class VolumeUses {
  readonly #volumes: string;
  readonly #open: string;

  /** `root`: has the directory `volumes`. */
  constructor(root: string) {
    this.#volumes = join(root, "volumes");
    this.#open = join(root, "open");
  }

  /** For whom a volume of this name is and was open; nobody when it has lost the name. */
  noted(name: string): readonly Opened[] {
    return namesIn(join(this.#volumes, name)).flatMap((entry) => openedIn(entry) ?? []);
  }

  /** What guests of a host have open. */
  ofHost(hostId: string): readonly OpenedVolume[] {
    return this.everOfHost(hostId).filter((one) =>
      fs.statSync(this.#notePath(nameOfUse(one), one), { throwIfNoEntry: false }),
    );
  }

  /** And what they had, until it is forgotten: a crash or another host has left it. */
  everOfHost(hostId: string): readonly OpenedVolume[] {
    return namesIn(this.#home(hostId)).flatMap((entry) => hostEntryIn(hostId, entry) ?? []);
  }

  /** Notes the guest that has the volume open; guests of an earlier life are noted no more. */
  note(name: string, opened: Opened, earlier: readonly Opened[]): void {
    if (earlier.length === 1 && earlier.every((one) => isSame(one, opened))) return;
    const home = this.#home(opened.hostId);
    fs.mkdirSync(home, { recursive: true });
    putFile(join(home, hostEntry({ volumeId: dirname(name), ...opened })), 0);
    syncPath(home);
    putFile(this.#notePath(name, opened), 0);
    for (const one of earlier) if (!isSame(one, opened)) this.#forget(name, one);
    syncPath(join(this.#volumes, name));
  }

  forget(one: OpenedVolume): void {
    const name = nameOfUse(one);
    this.#forget(name, one);
    if (this.noted(name).length === 0) takeBack(join(this.#volumes, name, dataFile));
  }

  /** Of a volume that is being removed under this name. */
  forgetAll(name: string): void {
    for (const one of this.noted(name)) this.#forget(name, one);
  }

  #forget(name: string, one: Opened): void {
    fs.rmSync(this.#notePath(name, one), { force: true });
    const entry = hostEntry({ volumeId: dirname(name), ...one });
    fs.rmSync(join(this.#home(one.hostId), entry), { force: true });
  }

  #notePath = (name: string, one: Opened): string => join(this.#volumes, name, openedName(one));

  #home(hostId: string): string {
    if (!isToken(hostId)) throw new Error("An id that is no token cannot name a directory.");
    return join(this.#open, hostId);
  }
}

/**
 * The file is nobody's again: the user of the guest that had it could open it once more, by its path or by
 * another name that a process broken out of its guest has given it.
 */
function takeBack(file: string): void {
  if (process.getuid?.() !== 0) return;
  try {
    fs.lchownSync(file, 0, 0);
    fs.chmodSync(file, 0o600);
  } catch (error) {
    // Another host has taken the volume over, or it is being removed.
    if (!isMissing(error)) throw error;
  }
}

const nameOfUse = ({ volumeId, epoch }: OpenedVolume): string => nameOf(volumeId, epoch);

const isSame = (one: Opened, other: Opened): boolean => openedName(one) === openedName(other);

export function namesIn(directory: string): readonly string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
