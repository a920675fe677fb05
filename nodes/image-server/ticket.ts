/**
 * Tickets for the bytes of images: facts, and a code that only who has the cluster's key can make. Each
 * server has a key of its own, made from the cluster's, so that a host can open what is for it and nothing
 * else. Neither keys nor tickets may ever be in a message.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { ImageTickets, TicketFacts } from "../../actors/ports/image-bytes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { imageServerLimits } from "./limits.ts";

const version = "v1";

/** The key of one server, made from the cluster's. */
export const serverKey = (clusterKey: Uint8Array, server: string): Buffer =>
  Buffer.from(hkdfSync("sha256", clusterKey, "", `novact image tickets of ${server}`, 32));

/**
 * The name in tickets of one of the controllers that share a key, and so the files: another computer's has
 * another key, and so another name.
 */
export const serverName = (clusterKey: Uint8Array, controller: string): string => {
  const place = Buffer.from(hkdfSync("sha256", clusterKey, "", "novact image server's place", 8));
  return `${controller}-${place.toString("hex")}`;
};

/** Issues tickets for every server. */
export function createTickets(clusterKey: Uint8Array): ImageTickets {
  return {
    issue: (facts) => {
      const said = Buffer.from(JSON.stringify(facts)).toString("base64url");
      return `${version}.${said}.${codeOf(serverKey(clusterKey, facts.server), said).toString("base64url")}`;
    },
  };
}

const codeOf = (key: Uint8Array, said: string): Buffer =>
  createHmac("sha256", key).update(`${version}.${said}`).digest();

export interface TicketCheck {
  readonly key: Uint8Array;
  readonly server: string;
  readonly nowMs: number;
}

/** The facts of a ticket that is ours and not too old. @throws UNAUTHENTICATED ticketInvalid */
export function readTicket(text: string, { key, server, nowMs }: TicketCheck): TicketFacts {
  const [, said, code] = text.length > imageServerLimits.ticketBytesMax ? [] : (partsOf(text) ?? []);
  if (said === undefined || code === undefined) throw invalid("The ticket is none.");
  const given = Buffer.from(code, "base64url");
  const right = codeOf(key, said);
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw invalid("The ticket is none that was issued for this server.");
  // The code is right, so this cluster wrote the facts.
  const facts = JSON.parse(Buffer.from(said, "base64url").toString("utf8")) as TicketFacts;
  if (facts.server !== server) throw invalid("The ticket is for another server.");
  if (facts.expiresAtMs <= nowMs) throw invalid("The ticket is too old.");
  return facts;
}

const partsOf = (text: string) => /^v1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(text);

const invalid = (message: string) => new StatusError("ticketInvalid", message);

/** @throws PERMISSION_DENIED ticketMismatch */
export function checkTicket(facts: TicketFacts, asked: Pick<TicketFacts, "verb" | "of">): void {
  if (facts.verb === asked.verb && facts.of === asked.of) return;
  throw new StatusError("ticketMismatch", "The ticket is for another image, or for something else.");
}
