/**
 * A loop that judges all hosts together, once for each read of them by the directory: the reading is the
 * directory's, the judging a loop of its own, so that a judgement that waits for the store holds up no read.
 * It must never judge one read twice, nor an old one when a younger is there.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import type { HostsRead } from "./directory.ts";

export interface ReadLoopOptions {
  readonly name: string;
  readonly roundMsMax: number;
  /** See PeriodicOptions. */
  readonly onFailed?: (() => void) | undefined;
  judge(read: HostsRead, round: Round): Promise<void>;
}

export class ReadLoop {
  readonly #rounds: Periodic;
  #latest: HostsRead | undefined;

  constructor(system: Pick<ActorSystem, "spawn" | "clock">, options: ReadLoopOptions) {
    const { judge, ...rest } = options;
    this.#rounds = new Periodic(system, {
      ...rest,
      // Each read begins a round. This is for the read that came during one.
      pauseMs: () => leaseLimits.heartbeatPeriodMs / 2,
      round: async (round) => {
        const read = this.#latest;
        this.#latest = undefined;
        if (read !== undefined) await judge(read, round);
      },
    });
  }

  /** Begins a round, unless one is under way. */
  hostsRead(read: HostsRead): void {
    this.#latest = read;
    this.#rounds.next(0);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }
}
