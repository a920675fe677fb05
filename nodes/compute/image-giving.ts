/**
 * A host's server for the images of its cache: on loopback until machines have certificates (decision
 * 0101), with a key of this life of the agent alone, which opens nothing elsewhere. It must never decide
 * who may have an image: whoever has a ticket was named by a controller.
 */
import { randomBytes } from "node:crypto";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import { toldOf } from "../../protocol/image-peer.ts";
import { imageLimits } from "../../protocol/limits/image.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { GivenImages } from "../drivers/kinds.ts";
import { Bandwidth } from "../image-server/bandwidth.ts";
import { imageServerLimits } from "../image-server/limits.ts";
import { openImageServer } from "../image-server/server.ts";
import { createTickets, serverKey } from "../image-server/ticket.ts";
import { computeLimits } from "./limits.ts";

const loopback = "127.0.0.1";

export interface OpenImageGiving extends ImageGiving {
  /** Ends the transfers, too: whoever was cut off goes on elsewhere. */
  close(): Promise<void>;
}

export interface ImageGivingOptions {
  readonly hostId: string;
  readonly images: GivenImages;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}

/** @throws the system's error when nobody can listen */
export async function openImageGiving({
  hostId,
  images,
  clock,
  log,
}: ImageGivingOptions): Promise<OpenImageGiving> {
  const { bytes, transfersMax, bytesPerSecondMax } = images;
  const key = randomBytes(32);
  const tickets = createTickets(key);
  const limit = bytesPerSecondMax === undefined ? undefined : new Bandwidth(bytesPerSecondMax);
  const nowMs = () => clock.nowMs();
  const server = await openImageServer({
    ...{ server: hostId, key: serverKey(key, hostId), address: loopback, port: 0, bytes, nowMs, log },
    transfersMax,
    ...(limit && { mayLeave: limit.mayLeave }),
  });
  log.info({ url: server.url, transfersMax }, "cached images are given to other hosts");
  return {
    told: () => ({
      has: images.list().slice(0, imageLimits.imagesToldMax).map(toldOf),
      sending: server.given.transfers,
      sentBytes: server.given.bytes,
      fromPeersBytes: images.came.fromPeersBytes,
      fromControllersBytes: images.came.fromControllersBytes,
      lies: images.came.lies,
    }),
    async offer({ sha256, who }) {
      const file = await bytes.open(sha256);
      if (file === undefined) throw new StatusError("notFound", "The image is not in this host's cache.");
      await file.close();
      if (server.given.transfers >= transfersMax)
        throw new StatusError("tooManyRequests", "The host gives images to as many as it may.", {
          retryAfterMs: imageServerLimits.turnRetryAfterMs,
        });
      const expiresAtMs = nowMs() + computeLimits.peerTicketMs;
      const about = { server: hostId, verb: "fetch", of: sha256, who, expiresAtMs } as const;
      // A bound says that each host is given the file once.
      return { url: server.url, ticket: tickets.issue({ ...about, atOnceMax: transfersMax }) };
    },
    close: () => server.close(),
  };
}
