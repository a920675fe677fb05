/**
 * The guard of a host whose containers nobody else may take over: the hypervisor refuses every other, and the
 * disks are this host's own. So there is nothing to stop when the host lease ends. A driver on shared disks
 * must not use it: it needs a process that outlives the agent.
 */
import type { Guard } from "novact/plugin";

export class IdleGuard implements Guard {
  #ended = false;

  get alive(): boolean {
    return !this.#ended;
  }

  async extend(): Promise<void> {
    if (this.#ended) throw new Error("The guard was let go of.");
  }

  async deeds(): Promise<readonly never[]> {
    await this.extend();
    return [];
  }

  /** The listener is never called: an idle guard ends only by `close` and `end`. */
  readonly onEnd = (): void => undefined;

  async close(): Promise<void> {
    this.#ended = true;
  }

  async end(): Promise<void> {
    this.#ended = true;
  }
}
