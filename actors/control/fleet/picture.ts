/**
 * What the actors' half of a controller knows of the host leases: the picture of the safety channel's last
 * round. It is for people and for the brake; nothing may be fenced by it.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { Brake } from "./brake.ts";
import type { FleetPicture } from "./link.ts";

export class LeasePicture {
  readonly #clock: Clock;
  #brake: Brake = { on: false, lost: [], of: 0 };
  #silentMs: ReadonlyMap<string, number> = new Map();
  #seenAtMs = 0;
  /** Ids of hosts that have just reported more than they may. */
  excessive: readonly string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get brake(): Brake {
    return this.#brake;
  }

  /** Time since a renewal of the host lease was last seen; undefined: nobody here watches the host. */
  silentMs(hostId: string): number | undefined {
    const silentMs = this.#silentMs.get(hostId);
    return silentMs === undefined ? undefined : silentMs + this.#clock.monotonicMs() - this.#seenAtMs;
  }

  looked({ brake, silentMs, excessive }: FleetPicture): void {
    this.excessive = excessive;
    this.#brake = brake;
    this.#silentMs = new Map(silentMs);
    this.#seenAtMs = this.#clock.monotonicMs();
  }
}
