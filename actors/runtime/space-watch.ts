/**
 * Watches the file systems of a process, and tells which are full. It decides nothing else: who makes new
 * things asks it first, and what makes room (a stop, a delete) never does. What was seen long ago is not
 * believed: a watch that was given up must refuse nobody for ever.
 */
import { type FileSystemSpace, type Space, spaceOf } from "../../protocol/space.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { actorLimits } from "./limits.ts";
import { Periodic, type Round } from "./periodic.ts";
import type { ActorSystem } from "./system.ts";

export interface SpaceWatchOptions {
  /** The port to the file systems; absent: nothing is watched, and nothing is full. */
  readonly space: { look(): Promise<readonly FileSystemSpace[]> } | undefined;
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly log: Log;
  /** Called for a file system that has become full, or has room again. */
  readonly changed?: (space: Space) => void;
}

export class SpaceWatch {
  readonly #options: SpaceWatchOptions;
  readonly #rounds: Periodic;
  #spaces: readonly Space[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SpaceWatchOptions) {
    this.#options = options;
    this.#rounds = new Periodic(options.system, {
      name: "space",
      pauseMs: () => actorLimits.spaceLookPeriodMs,
      roundMsMax: actorLimits.spaceRoundMsMax,
      round: (round) => this.#look(round),
    });
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    if (this.#options.space !== undefined) await this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** The file systems as of the last look; none when that is too old. */
  get spaces(): readonly Space[] {
    const ageMs = this.#options.system.clock.monotonicMs() - this.#lookedAtMs;
    return ageMs <= actorLimits.spaceOldMs ? this.#spaces : [];
  }

  /** The first file system that is full; undefined: there is room on all. */
  get full(): Space | undefined {
    return this.spaces.find(({ full }) => full);
  }

  async #look({ signal, did }: Round): Promise<void> {
    const found = (await this.#options.space?.look()) ?? [];
    if (signal.aborted) return;
    this.#lookedAtMs = this.#options.system.clock.monotonicMs();
    const before = new Map(this.#spaces.map((space) => [space.of, space]));
    this.#spaces = found.map((one) => spaceOf(one, before.get(one.of)?.full ?? false));
    for (const space of this.#spaces)
      if (space.full !== (before.get(space.of)?.full ?? false)) this.#tell(space);
    did(`${this.#spaces.length} file systems, ${this.#spaces.filter(({ full }) => full).length} full`);
  }

  #tell(space: Space): void {
    const { log, changed } = this.#options;
    if (space.full) log.warn({ ...space }, "a file system is full: no new guest is made there");
    else log.info({ ...space }, "a full file system has room again");
    changed?.(space);
  }
}
