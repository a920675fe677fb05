/**
 * Tells a host where it gets the bytes of an image, and gives it tickets for them: other hosts first, so
 * that one controller is not asked by all, and controllers behind them. The row decides: a host has those
 * images that instances of its own are made of, whatever state the image is in by now, and no others. A
 * host that lies must never be able to read an image that it is to run nothing of.
 */
import { filesOf } from "../../../protocol/image.ts";
import type { ImageTicketAnswer } from "../../../protocol/image-ticket.ts";
import { imageLimits } from "../../../protocol/limits/image.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { ImageTickets } from "../../ports/image-bytes.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { ImagePeers } from "./image-peers.ts";
import { catalogLimits } from "./limits.ts";

/** A server for the bytes of images: its name, which its tickets bear, and its address. */
export interface ImageServing {
  readonly server: string;
  /** Without a slash at its end. */
  readonly url: string;
}

export interface ImageOffers {
  readonly tickets: ImageTickets;
  /** The servers of controllers that may have images, the best first. */
  servers(): readonly ImageServing[];
  /** Hosts that give images to each other. Absent: none does. */
  readonly peers?: Pick<ImagePeers, "areThere" | "offers">;
}

interface Asked {
  readonly hostId: string;
  readonly instanceId: string;
  readonly sha256: string;
  /** As in the host's question. */
  readonly peers?: { readonly notFrom: readonly string[] } | undefined;
}

interface OfferOptions {
  readonly store: StorePart<{ instances: "get" }>;
  readonly clock: Pick<Clock, "nowMs">;
  /** Absent: nothing here serves images. */
  readonly images?: ImageOffers | undefined;
}

/** Null: the host is refused. @throws UNAVAILABLE storeUnavailable */
export async function offerImage(
  asked: Asked,
  { store, clock, images }: OfferOptions,
): Promise<ImageTicketAnswer | null> {
  if (!isToRun(await store.instances.get(asked.instanceId), asked)) return null;
  return images === undefined ? { origins: [] } : originsFor(asked, images, clock);
}

/** Who has the image, for a host that may have it. Never rejects. */
export async function originsFor(
  { hostId, sha256, peers }: Omit<Asked, "instanceId">,
  images: ImageOffers,
  clock: Pick<Clock, "nowMs">,
): Promise<ImageTicketAnswer> {
  const shares = peers !== undefined && images.peers?.areThere(hostId) === true;
  const hosts = shares ? await images.peers.offers({ sha256, hostId, ...peers }) : [];
  const expiresAtMs = clock.nowMs() + catalogLimits.imageTicketMs;
  const servers = images.servers().slice(0, imageLimits.imageOriginsMax - hosts.length);
  const about = {
    ...({ verb: "fetch", of: sha256, who: hostId, expiresAtMs } as const),
    // Beyond that there is another host to get it from, now or soon.
    ...(shares ? { atOnceMax: catalogLimits.hostFetchesAtOnceMax } : {}),
  };
  const controllers = servers.map(({ server, url }) => {
    return { url, ticket: images.tickets.issue({ server, ...about }) };
  });
  return { origins: [...hosts, ...controllers] };
}

/** Whether the row has the instance on the host, and the file is its image's, or of a volume to be made. */
function isToRun(row: InstanceRow | undefined, asked: Pick<Asked, "hostId" | "sha256">): boolean {
  if (row === undefined || row.instance.hostId !== asked.hostId) return false;
  const { desired, deletedAtMs, image, volumes } = row.instance;
  const unmade = (volumes ?? []).filter(({ made }) => !made).map(({ source }) => source?.image.disk.sha256);
  const isNamed = [...filesOf(image), ...unmade].includes(asked.sha256);
  return desired !== "deleted" && deletedAtMs === null && isNamed;
}
