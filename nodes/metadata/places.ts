/**
 * Who has a connection at the moment: so many of each port, and so many of all. A new one always finds a
 * place: the oldest of its own port goes, or of the port that has most, so that no guest keeps others out.
 */
import { metadataLimits } from "./limits.ts";

const { metadataConnectionsPerPortMax, metadataConnectionsMax } = metadataLimits;

export class Places<Connection> {
  /** By port: its connections, the oldest first. */
  readonly #byPort = new Map<string, Set<Connection>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The connection that has to go for this one; undefined: there is room for both. */
  take(port: string, connection: Connection): Connection | undefined {
    const own = this.#byPort.get(port) ?? new Set();
    const from =
      own.size >= metadataConnectionsPerPortMax
        ? port
        : this.#count >= metadataConnectionsMax
          ? this.#largest()
          : undefined;
    const [oldest] = from === undefined ? [] : (this.#byPort.get(from) ?? []);
    if (from !== undefined && oldest !== undefined) this.leave(from, oldest);
    this.#byPort.set(port, own.add(connection));
    this.#count += 1;
    return oldest;
  }

  leave(port: string, connection: Connection): void {
    const own = this.#byPort.get(port);
    if (own?.delete(connection) !== true) return;
    this.#count -= 1;
    if (own.size === 0) this.#byPort.delete(port);
  }

  #largest(): string | undefined {
    let found: string | undefined;
    let most = 0;
    for (const [port, { size }] of this.#byPort) if (size > most) [found, most] = [port, size];
    return found;
  }
}
