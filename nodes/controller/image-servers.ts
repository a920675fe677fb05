/**
 * Where hosts are told to get the bytes of images: at this controller, and at the others whose tickets its
 * key makes, as they said a moment ago. Whether each has a file is found out by who asks it. Nobody must ever
 * wait here for another controller.
 */
import type { ImageOffers, ImageServing } from "../../actors/control/catalog/image-offers.ts";
import type { ImagePeers } from "../../actors/control/catalog/image-peers.ts";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import type { Meter } from "../../actors/runtime/meter.ts";
import { meterImagesSent } from "../../actors/runtime/metered.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import { controllerLimits } from "./limits.ts";
import type { RollCall } from "./roll-call.ts";

export interface ImageServersOptions {
  readonly own: ImageServing;
  /** Asks the others. Never rejects. */
  readonly others: () => Promise<readonly ImageServing[]>;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export class ImageServers {
  readonly #options: ImageServersOptions;
  #others: readonly ImageServing[] = [];
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ImageServersOptions) {
    this.#options = options;
  }

  /** This controller first. Others that are new are in the next answer. */
  list(): readonly ImageServing[] {
    const { own, clock } = this.#options;
    if (clock.monotonicMs() - this.#askedAtMs > controllerLimits.imageDoorsKnownMs) void this.#ask();
    return [servingOf(own), ...this.#others];
  }

  async #ask(): Promise<void> {
    const { own, others, clock } = this.#options;
    this.#askedAtMs = clock.monotonicMs();
    const place = placeOf(own);
    this.#others = (await others()).filter((one) => placeOf(one) === place && one.server !== own.server);
  }
}

/** The end of a server's name, which is that of the key (serverName): tickets of another key open nothing. */
const placeOf = ({ server }: ImageServing): string => server.slice(server.lastIndexOf("-"));

export const servingOf = ({ server, url }: ImageServing): ImageServing => ({ server, url });

/** What a controller tells hosts of images; undefined: it gives none. */
export function imageOffersOf(
  {
    imageDoor,
    clock,
    meter,
  }: { readonly imageDoor?: ImageDoor; readonly clock: Clock; readonly meter?: Meter | undefined },
  { rollCall, imagePeers }: { readonly rollCall: RollCall; readonly imagePeers: ImagePeers },
): ImageOffers | undefined {
  if (imageDoor === undefined) return undefined;
  if (meter !== undefined) meterImagesSent(meter, () => imageDoor.given);
  const servers = new ImageServers({ own: imageDoor, others: () => rollCall.imageDoors(), clock });
  return { tickets: imageDoor.tickets, servers: () => servers.list(), peers: imagePeers };
}
