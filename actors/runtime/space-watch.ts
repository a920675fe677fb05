/**
 * Watches the file systems of a process, and tells which are full. It decides nothing else: who makes new
 * things asks it first, and what makes room (a stop, a delete) never does.
 */
import { type FileSystemSpace, type Space, spaceOf } from "../../protocol/space.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { actorLimits } from "./limits.ts";
import { type Loop, Periodic } from "./periodic.ts";

export interface SpaceWatchOptions {
  /** The port to the file systems; absent: nothing is watched, and nothing is full. */
  readonly space: { look(): Promise<readonly FileSystemSpace[]> } | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for a file system that has become full, or has room again. */
  readonly changed?: (space: Space) => void;
}

export class SpaceWatch {
  readonly #options: SpaceWatchOptions;
  readonly #rounds: Periodic;
  #spaces: readonly Space[] = [];

  constructor(options: SpaceWatchOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#rounds = new Periodic({
      ...{ name: "space", clock, log },
      pauseMs: () => actorLimits.spaceLookPeriodMs,
      round: () => this.#look(),
    });
  }

  get loop(): Loop {
    return this.#rounds.loop;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    if (this.#options.space !== undefined) await this.#rounds.start();
  }

  stop(): void {
    void this.#rounds.stop();
  }

  /** The file systems as of the last look. */
  get spaces(): readonly Space[] {
    return this.#spaces;
  }

  /** The first file system that is full; undefined: there is room on all. */
  get full(): Space | undefined {
    return this.#spaces.find(({ full }) => full);
  }

  async #look(): Promise<void> {
    const found = (await this.#options.space?.look()) ?? [];
    const before = new Map(this.#spaces.map((space) => [space.of, space]));
    this.#spaces = found.map((one) => spaceOf(one, before.get(one.of)?.full ?? false));
    for (const space of this.#spaces)
      if (space.full !== (before.get(space.of)?.full ?? false)) this.#tell(space);
  }

  #tell(space: Space): void {
    const { log, changed } = this.#options;
    if (space.full) log.warn({ ...space }, "a file system is full: no new guest is made there");
    else log.info({ ...space }, "a full file system has room again");
    changed?.(space);
  }
}
