/**
 * Issues tickets for the bytes of images, where this controller has them. The caller has read the row and
 * decided who may have one. It must never write a ticket anywhere.
 */

import type { Clock } from "../../../protocol/wire/transport.ts";
import type { ImageDoor, TicketFacts } from "../../ports/image-bytes.ts";
import { catalogLimits } from "./limits.ts";

/** What opens the way to one upload or one file of an image. */
export interface IssuedTicket {
  /** The whole address of what it is for. */
  readonly url: string;
  /** For `Authorization: Bearer`. */
  readonly ticket: string;
  readonly expiresAtMs: number;
}

const paths = { send: "uploads", fetch: "images" } as const;

/** A ticket for this controller's server. `asked.who`: the project or the host, for the log. */
export function ticketFor(
  door: Pick<ImageDoor, "server" | "url" | "tickets">,
  { verb, of, who }: Pick<TicketFacts, "verb" | "of" | "who">,
  clock: Pick<Clock, "nowMs">,
): IssuedTicket {
  const expiresAtMs = clock.nowMs() + catalogLimits.imageTicketMs;
  const { server, url, tickets } = door;
  const ticket = tickets.issue({ server, verb, of, who, expiresAtMs });
  return { url: `${url}/v1/${paths[verb]}/${of}`, ticket, expiresAtMs };
}

/** A ticket to fetch a file; undefined: this controller has none with that checksum. */
export async function fetchTicket(
  door: ImageDoor,
  asked: { readonly sha256: string; readonly who: string },
  clock: Pick<Clock, "nowMs">,
): Promise<(IssuedTicket & { readonly sizeBytes: number }) | undefined> {
  const file = await door.bytes.open(asked.sha256);
  if (file === undefined) return undefined;
  const { sizeBytes } = file;
  await file.close();
  return { ...ticketFor(door, { verb: "fetch", of: asked.sha256, who: asked.who }, clock), sizeBytes };
}
