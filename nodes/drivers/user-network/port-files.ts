/**
 * The files of a host's ports, below its state directory:
 *
 *   network/ports/<portId>.json     what the port is, and whose; there as long as anything of the port is
 *   network/ports/<portId>.told     what its guest is told (nodes/metadata): it may be secret
 *   network/ports/<portId>/         the guest's own user's: its hypervisor makes the socket `s` in it
 *
 * Only the guest's user and root may enter a port's directory, so that no other guest's hypervisor, once it
 * was broken out of, reaches the socket. Where guests share a user (`nobody`) or run as the agent's own,
 * nothing keeps such a hypervisor from the sockets of the others, as from their disks and monitors; what a
 * guest sends is filtered all the same.
 *
 * A guest must never be able to replace a file that the agent or the switch (perhaps root) opens by name.
 */
import { chmod, chown, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PortSpec } from "../../../actors/ports/network.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { type ToldFile, toldFileOf } from "../../metadata/told-file.ts";
import { isDiskFull, isMissing, isTemporaryName, syncDirectory, writeDurably } from "../durable-file.ts";
import { makeOpenDirectories } from "../guest-directory.ts";
import { guestUser } from "../guest-user.ts";
import { removeTree } from "../remove-tree.ts";
import { type PortRecord, recordOf } from "./ports.ts";

const ending = ".json";
const toldEnding = ".told";

export class PortFiles {
  readonly #ports: string;
  readonly #log: Log;

  /** @throws Error when the guests' users could not reach the directories */
  constructor(stateDirectory: string, log: Log) {
    const root = makeOpenDirectories(stateDirectory, ["network", "network/ports"]);
    this.#ports = join(root, "network", "ports");
    this.#log = log;
  }

  /** Where the hypervisor listens. @throws Error when the id is none: it would lead out of the directory */
  socketOf(portId: string): string {
    return join(this.#directoryOf(portId), "s");
  }

  /** Removes what an agent has left that died while it wrote. There is one agent for a state directory. */
  async removeLeftovers(): Promise<void> {
    const left = (await readdir(this.#ports)).filter(isTemporaryName);
    await Promise.all(left.map((name) => rm(join(this.#ports, name), { force: true })));
  }

  async read(): Promise<readonly PortRecord[]> {
    const names = (await readdir(this.#ports)).filter((name) => name.endsWith(ending));
    const records = names.map((name) => this.#readOne(name.slice(0, -ending.length)));
    return (await Promise.all(records)).filter((one) => one !== undefined);
  }

  async #readOne(portId: string): Promise<PortRecord | undefined> {
    const path = join(this.#ports, `${portId}${ending}`);
    try {
      const record = recordOf(await readFile(path, "utf8"));
      if (record?.portId === portId) return record;
      // The instance's next start writes it anew.
      this.#log.error({ path }, "the record of a port is damaged: the port is closed");
      return undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** @throws StatusError diskFull */
  async write(record: PortRecord): Promise<void> {
    await writeDurably(`${this.#directoryOf(record.portId)}${ending}`, JSON.stringify(record));
  }

  /** Where it is said what the guest of the port is told. @throws Error when the id is none */
  toldOf(portId: string): string {
    return `${this.#directoryOf(portId)}${toldEnding}`;
  }

  /** Says what the guest of the port is told, or that it is told nothing. @throws StatusError diskFull */
  async tell({ portId, instanceId, told }: PortSpec): Promise<void> {
    const path = this.toldOf(portId);
    if (told === undefined) return rm(path, { force: true });
    const { project, name, data, portIds } = told;
    const file: ToldFile = { instanceId, project, name, data, portIds: [...portIds] };
    const text = JSON.stringify(file);
    const before = await readFile(path, "utf8").catch(() => "");
    if (before === text) return;
    await writeDurably(path, text).catch((error: unknown) => {
      // An interface goes on a full disk too; its guest is told of no port that is in no picture.
      if (!isDiskFull(error) || !saysAll(before, file)) throw error;
      this.#log.warn({ portId }, "the end of an interface is written down when there is room");
    });
  }

  /** Makes the port's directory, or corrects its owner and mode. */
  async makeDirectory({ portId, instanceId }: PortRecord): Promise<void> {
    const directory = this.#directoryOf(portId);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const user = guestUser(instanceId);
    if (user !== undefined) await chown(directory, user.uid, user.gid);
    await chmod(directory, 0o700);
  }

  /** Removes the socket, and whatever else the guest's user has made. */
  async removeDirectory(portId: string): Promise<void> {
    await removeTree(this.#directoryOf(portId));
  }

  /** The record goes last: as long as it is there, the port is found and removed again. */
  async remove(portId: string): Promise<void> {
    await this.removeDirectory(portId);
    await rm(this.toldOf(portId), { force: true });
    await rm(`${this.#directoryOf(portId)}${ending}`, { force: true });
    await syncDirectory(this.#ports);
  }

  #directoryOf(portId: string): string {
    if (!isToken(portId)) throw new Error("A port id that is no token cannot name a directory.");
    return join(this.#ports, portId);
  }
}

/** Whether a file of before says the same, and of the same ports and perhaps more. */
function saysAll(before: string, { portIds, ...file }: ToldFile): boolean {
  const { portIds: known = [], ...rest } = toldFileOf(before) ?? {};
  return JSON.stringify(rest) === JSON.stringify(file) && portIds.every((id) => known.includes(id));
}
