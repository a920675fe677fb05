/**
 * Bridges that are processes: a `qemu-storage-daemon` for each, which reaches the server by user-space NFS
 * and offers the volume at a socket by NBD. It outlives the agent, as guests do. Each has a directory:
 *
 *   <hex>/use.json   which bridge it is, and of how many bytes; written before anything runs
 *   <hex>/pid        written by the process itself, before it becomes the daemon
 *   <hex>/nbd        the socket; its owner is who may connect, and whoever starts the guest gives it to it
 *   <hex>/log        what the daemon complained of first
 *
 * An end takes the directory its name away first: what has not written its pid by then becomes no daemon.
 * What must never happen is that a process is ended which is not a bridge of this directory.
 */
import { createHash } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusError } from "novact/plugin";
import { type Bridge, type Bridges, isOutgrown, keyOf } from "./bridges.ts";
import {
  begunBytesIn,
  bridgeArguments,
  bridgeIn,
  isConnected,
  type NfsPlace,
  program,
  programName,
  recordOf,
} from "./daemon-line.ts";
import { type Launched, launch } from "./launch.ts";
import { nfsLimits } from "./limits.ts";
import { refused, silent, unknown } from "./refusals.ts";

export interface DaemonsOptions {
  readonly directory: string;
  readonly place: NfsPlace;
}

/** As whom bridges run where the agent is root: they need nothing on the computer but their directory. */
const nobody = 65_534;
/** Source: unix(7), sun_path with its end. */
const socketPathBytesMax = 107;

/** Ends of a shell that could not run a program, which no time mends. */
const notRun: readonly number[] = [126, 127];

export class Daemons implements Bridges {
  readonly #options: DaemonsOptions;

  constructor(options: DaemonsOptions) {
    this.#options = options;
  }

  async open(bridge: Bridge, sizeBytes: number, signal: AbortSignal): Promise<string> {
    const directory = this.#pathOf(bridge);
    const socket = join(directory, "nbd");
    if (Buffer.byteLength(socket) > socketPathBytesMax)
      throw refused("The state directory of the host has too long a path for the sockets of volumes.");
    // Looked at first: to ask whether it listens is to be connected for a moment.
    const isTooSmall = await this.#isOutgrown(bridge, sizeBytes);
    if (!isTooSmall && (await listens(socket))) return socket;
    await this.end(bridge);
    try {
      await mkdir(directory, { recursive: true, mode: 0o711 });
      await writeFile(join(directory, "use.json"), recordOf(bridge, sizeBytes));
      await this.#begin(bridge, directory, signal);
      return socket;
    } catch (error) {
      await this.end(bridge);
      throw error;
    }
  }

  async #begin(bridge: Bridge, directory: string, signal: AbortSignal): Promise<void> {
    const user = process.getuid?.() === 0 ? nobody : undefined;
    const line = bridgeArguments(bridge, this.#options.place, join(directory, "nbd"));
    const log = await open(join(directory, "log"), "w", 0o600);
    try {
      if (user !== undefined) await chown(directory, user, user);
      const launched = launch({ directory, line, log: log.fd, ...(user !== undefined && { user }) });
      await untilListens(directory, launched, signal).catch(async (error: unknown) => {
        await launched.stop();
        throw error;
      });
    } finally {
      await log.close();
    }
    // From now on nobody but the agent puts anything in the socket's place.
    if (user !== undefined) await chown(directory, 0, 0);
  }

  async renew(bridge: Bridge, sizeBytes: number, signal: AbortSignal): Promise<void> {
    // One whose end was begun has its name no more, and is begun for nobody.
    if ((await textOf(join(this.#pathOf(bridge), "use.json"))) === "") return;
    if (await this.#isOutgrown(bridge, sizeBytes)) await this.open(bridge, sizeBytes, signal);
  }

  async #isOutgrown(bridge: Bridge, sizeBytes: number): Promise<boolean> {
    const directory = this.#pathOf(bridge);
    const begunBytes = begunBytesIn(await textOf(join(directory, "use.json")));
    const sockets = await textOf("/proc/net/unix", Number.POSITIVE_INFINITY);
    return isOutgrown(begunBytes, sizeBytes, isConnected(sockets, join(directory, "nbd")));
  }

  async list(): Promise<readonly Bridge[]> {
    const found = await Promise.all(
      (await this.#directories()).map(async (name) => bridgeIn(await textOf(this.#path(name, "use.json")))),
    );
    return found.filter((one) => one !== undefined);
  }

  async end(bridge: Bridge): Promise<void> {
    const gone = `${this.#pathOf(bridge)}.gone`;
    // What an earlier end has left goes first: its process may live, and the name is needed.
    await this.#finish(gone, bridge);
    await rename(this.#pathOf(bridge), gone).catch(unlessMissing);
    await this.#finish(gone, bridge);
  }

  async #finish(gone: string, bridge: Bridge): Promise<void> {
    const pid = Number((await textOf(join(gone, "pid"))).trim());
    const socket = join(this.#pathOf(bridge), "nbd");
    const endMs = performance.now() + nfsLimits.bridgeEndMsMax;
    while (Number.isSafeInteger(pid) && pid > 1 && (await isBridge(pid, socket))) {
      if (performance.now() > endMs) throw refused("The bridge to a volume does not end.");
      kill(pid);
      await sleep(nfsLimits.bridgeProbeMs);
    }
    await rm(gone, { recursive: true, force: true });
  }

  /** A bridge whose end was begun counts until its process is gone. */
  async #directories(): Promise<readonly string[]> {
    const names = await readdir(this.#options.directory).catch(unlessMissing);
    return (names ?? []).filter((name) => /^[0-9a-f]{16}(\.gone)?$/.test(name));
  }

  #pathOf(bridge: Bridge): string {
    return this.#path(createHash("sha256").update(keyOf(bridge)).digest("hex").slice(0, 16));
  }

  #path = (...names: readonly string[]): string => join(this.#options.directory, ...names);
}

async function untilListens(directory: string, launched: Launched, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + nfsLimits.bridgeBeginMsMax;
  while (!(await listens(join(directory, "nbd")))) {
    signal.throwIfAborted();
    const end = launched.end();
    if (end !== undefined) throw endedEarly(end, await textOf(join(directory, "log")));
    if (performance.now() > endMs) throw silent();
    await sleep(nfsLimits.bridgeProbeMs);
  }
}

/** A bridge ends before it listens when the server does not let it in, or is not there: that may pass. */
export const endedEarly = (code: number | null, log: string): StatusError =>
  code !== null && notRun.includes(code)
    ? refused(`There is no ${program} to bridge a volume with.`, log)
    : unknown("The bridge to a volume ended.", log);

const listens = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ path });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.on("connect", () => answer(true));
    socket.on("error", () => answer(false));
  });

/** Whether the process lives, is a bridge's, and is the one of this socket. */
async function isBridge(pid: number, socket: string): Promise<boolean> {
  const status = await textOf(`/proc/${pid}/status`);
  const [, name] = /^Name:\t(.*)$/m.exec(status) ?? [];
  const [, uid] = /^Uid:\t([0-9]+)/m.exec(status) ?? [];
  const own = process.getuid?.() === 0 ? nobody : process.getuid?.();
  if (Number(uid) !== own || name === undefined || !["sh", programName].includes(name)) return false;
  // A process that has ended, and is waited for by nobody yet, has no arguments.
  return (await textOf(`/proc/${pid}/cmdline`)).includes(socket);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The beginning of a file; empty for a file that is not there. */
async function textOf(path: string, lengthMax: number = nfsLimits.logBytesMax): Promise<string> {
  try {
    return (await readFile(path, "utf8")).slice(0, lengthMax);
  } catch (error) {
    return unlessMissing(error) ?? "";
  }
}

function unlessMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ESRCH") throw error;
}
