/**
 * What a server hears: everybody, by one subscription. While a project floods so that keeping its messages
 * out costs too much (mute.ts decides), everybody else, by one subscription for each project: the NATS server
 * then keeps the flood's messages itself, and answers that nobody listens.
 *
 * Subscriptions are exchanged one for the other without a gap: the new ones begin before the old one is let
 * go of, and what is on its way to the old one is heard. In one queue group each message comes once, however
 * many subscriptions it fits. Nobody but who floods is left unheard, of the projects that are known.
 */
import type { Binding } from "./binding.ts";
import { Mutes } from "./mute.ts";
import { adminProject, systemProject } from "./subjects.ts";
import type { BusSubscription, Clock, Timer } from "./transport.ts";

export interface HearingOptions {
  readonly binding: Pick<Binding, "pattern" | "patternFor">;
  /** All clients' projects. Absent: not all are known, and nobody is left unheard. */
  readonly projects?: readonly string[] | undefined;
  readonly clock: Pick<Clock, "after">;
  readonly listen: (pattern: string) => BusSubscription;
}

export class Hearing {
  readonly #options: HearingOptions;
  readonly #mutes = new Mutes();
  readonly #muted = new Map<string, Timer>();
  /** Projects that may be left unheard. */
  readonly #projects: ReadonlySet<string>;
  #all: BusSubscription | undefined;
  readonly #each = new Map<string, BusSubscription>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: HearingOptions) {
    this.#options = options;
    const { projects = [], binding } = options;
    this.#projects = new Set(binding.patternFor === undefined ? [] : projects);
    this.#all = options.listen(binding.pattern);
  }

  /** Counts a message of this sender that was kept out. True: from now on the sender is not heard. */
  keptOut(name: string, bytes: number, nowMs: number): boolean {
    if (!this.#projects.has(name) || this.#muted.has(name)) return false;
    const forMs = this.#mutes.keptOut(name, bytes, nowMs);
    if (forMs === undefined) return false;
    this.#muted.set(
      name,
      this.#options.clock.after(forMs, () => this.#hearAgain(name)),
    );
    this.#leave(name);
    return true;
  }

  /** Takes no further message; resolves when everything that was heard is answered. */
  async drain(): Promise<void> {
    for (const timer of this.#muted.values()) timer.cancel();
    if (this.#all !== undefined) this.#letGo(this.#all);
    for (const one of this.#each.values()) this.#letGo(one);
    this.#each.clear();
    await Promise.all(this.#leaving);
  }

  #leave(name: string): void {
    const own = this.#each.get(name);
    this.#each.delete(name);
    if (this.#all !== undefined)
      for (const other of [...this.#projects, adminProject, systemProject])
        if (!this.#muted.has(other)) this.#hear(other);
    const left = this.#all ?? own;
    this.#all = undefined;
    if (left !== undefined) this.#letGo(left);
  }

  #hearAgain(name: string): void {
    this.#muted.delete(name);
    if (this.#muted.size > 0) {
      this.#hear(name);
      return;
    }
    this.#all = this.#options.listen(this.#options.binding.pattern);
    for (const one of this.#each.values()) this.#letGo(one);
    this.#each.clear();
  }

  #hear(project: string): void {
    const pattern = this.#options.binding.patternFor?.(project);
    if (pattern !== undefined) this.#each.set(project, this.#options.listen(pattern));
  }

  #letGo(subscription: BusSubscription): void {
    const left = subscription.drain();
    this.#leaving.add(left);
    void left.finally(() => this.#leaving.delete(left));
  }
}
