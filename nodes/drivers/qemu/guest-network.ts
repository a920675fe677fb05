/**
 * The network namespace of a node's guests: all their processes live in it, nothing of ours listens in it,
 * and no interface leads out of it. It has no name and no mount: it lasts as long as a guest is in it, or the
 * agent has it open, so that no crash leaves anything behind. An agent that starts takes over the namespace
 * that its guests are in.
 *
 * What a process in it opens reaches nobody, also through slirp, whose gateway leads to the loopback
 * addresses of the process's own namespace. Unix sockets are files, and go on working.
 */
import { type FileHandle, readlink } from "node:fs/promises";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { StateDirectories } from "../guest-directory.ts";
import { makeNamespace, openNamespaceOf } from "../network-namespace.ts";
import { findGuests } from "./guest-process.ts";

export interface GuestNetworkOptions {
  readonly directories: StateDirectories;
  readonly clock: Clock;
  readonly log: Log;
}

export class GuestNetwork {
  readonly #options: GuestNetworkOptions;
  #opened: Promise<FileHandle | undefined> | undefined;

  constructor(options: GuestNetworkOptions) {
    this.#options = options;
  }

  /**
   * The path by which root enters the namespace, as long as the agent lives. Undefined: guests stay in the
   * agent's own, because the agent is not root or may not make namespaces; the log says so, once.
   */
  async path(): Promise<string | undefined> {
    this.#opened ??= this.#open();
    const handle = await this.#opened;
    return handle === undefined ? undefined : `/proc/${process.pid}/fd/${handle.fd}`;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await (await opened)?.close();
  }

  async #open(): Promise<FileHandle | undefined> {
    if (process.getuid?.() !== 0) return undefined;
    try {
      return (await this.#ofGuests()) ?? (await makeNamespace(this.#options.clock));
    } catch (error) {
      const message =
        "no network namespace could be made: a QEMU that was broken out of could reach this computer's services";
      this.#options.log.error({ error: String(error) }, message);
      return undefined;
    }
  }

  /** The namespace of the guest that was started first; undefined: no guest is in one of its own. */
  async #ofGuests(): Promise<FileHandle | undefined> {
    const own = await readlink("/proc/self/ns/net");
    const guests = [...(await findGuests(this.#options.directories))];
    for (const { pid } of guests.sort((one, other) => one.startTicks - other.startTicks)) {
      const handle = await openNamespaceOf(pid, own);
      if (handle !== undefined) return handle;
    }
    return undefined;
  }
}
