/**
 * Keeps the ways outside of a host as the picture has them: one process for each. Guests run on without them:
 * this file must never fail for who plugs in or applies a picture.
 */
import type { Log } from "../../../protocol/wire/transport.ts";
import { exitBounds, exitOptions } from "./exits.ts";
import { findGateway, slirpArguments, startProcess } from "./gateway-process.ts";
import { type KeptPlace, KeptProcesses } from "./kept-processes.ts";

export class ExitKeeper {
  readonly #emulator: string;
  readonly #processes: KeptProcesses;
  #wanted: ReadonlySet<string> = new Set();

  /** `place`: of this node's exits alone. */
  constructor(place: KeptPlace, log: Log) {
    this.#emulator = place.emulator;
    const keep = async () => {
      for (const id of this.#wanted) this.#keep(id);
    };
    this.#processes = new KeptProcesses(
      place,
      { what: "way outside", wanted: () => this.#wanted, keep },
      log,
    );
  }

  /** Where the switch connects to it. */
  socketOf(id: string): string {
    return this.#processes.socketOf(id);
  }

  /** From now on; it is brought about soon. */
  want(ids: readonly string[]): void {
    this.#wanted = new Set(ids);
    this.#processes.lookSoon();
  }

  /** The agent ends. `guests`: and so have they, and nobody goes outside any more. */
  detach(guests: boolean): Promise<void> {
    return this.#processes.detach(guests);
  }

  #keep(id: string): void {
    if (findGateway(this.#processes.directoryOf(id)) !== undefined) return;
    const slirp = slirpArguments({ name: `exit.${id}`, options: exitOptions });
    this.#processes.start(id, (directory) =>
      startProcess(directory, [...exitBounds, this.#emulator, ...slirp]),
    );
  }
}
