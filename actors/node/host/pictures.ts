/**
 * Hands out the pictures of networks to whoever needs to know of some ports before a guest begins: what was
 * heard last, what the driver has kept from a life before, or what is heard next. A guest that was told too
 * little would never ask again, so its start waits for the rest, and in the end fails rather than tell less.
 */
import type { HostNetworking, NetworkPicture } from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { Network } from "../../ports/network.ts";
import { hostLimits } from "./limits.ts";

interface Waiting {
  readonly portIds: readonly string[];
  hear(networks: readonly NetworkPicture[]): void;
}

export interface PicturesParts {
  readonly network: Pick<Network, "picture">;
  readonly clock: Clock;
}

export class Pictures {
  readonly #parts: PicturesParts;
  readonly #ask: () => void;
  readonly #waiting = new Set<Waiting>();
  #last: HostNetworking | undefined;

  /** `ask`: has the next picture come soon. */
  constructor(parts: PicturesParts, ask: () => void) {
    this.#parts = parts;
    this.#ask = ask;
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** A picture has come. */
  take(picture: HostNetworking): void {
    this.#last = picture;
    for (const one of [...this.#waiting]) if (hasAll(picture, one.portIds)) one.hear(picture.networks);
  }

  /** @throws StatusError hypervisorRefused when no picture with all of them comes in time; AbortError */
  async of(portIds: readonly string[], signal: AbortSignal): Promise<readonly NetworkPicture[]> {
    const known = this.#last ?? (await this.#parts.network.picture?.().catch(() => undefined));
    signal.throwIfAborted();
    if (known !== undefined && hasAll(known, portIds)) return known.networks;
    return this.#next(portIds, signal);
  }

  #next(portIds: readonly string[], signal: AbortSignal): Promise<readonly NetworkPicture[]> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(waiting);
        timer.cancel();
        signal.removeEventListener("abort", abort);
      };
      const hear = (networks: readonly NetworkPicture[]) => {
        end();
        resolve(networks);
      };
      const waiting: Waiting = { portIds, hear };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      const timer = this.#parts.clock.after(hostLimits.networkPictureMsMax, () => {
        end();
        reject(unheard());
      });
      signal.addEventListener("abort", abort);
      this.#waiting.add(waiting);
      this.#ask();
    });
  }
}

function hasAll({ networks }: HostNetworking, portIds: readonly string[]): boolean {
  const all = new Set(networks.flatMap(({ ports }) => ports.map(({ id }) => id)));
  return portIds.every((id) => all.has(id));
}

const unheard = (): StatusError =>
  new StatusError(
    "hypervisorRefused",
    "No controller has said in time what the guest is to be told of its network.",
  );
