/**
 * Where an answer may go. The NATS server checks the subject that a user publishes to, but not the reply
 * subject of a request, and an answer is published with the permissions of whoever gives it. So the reply
 * subject has to lie below the asker's own inbox, and who asks follows from the request's subject: the
 * server lets only a project's and the operators' clients send a project's commands, and only a host its
 * reports (I12).
 *
 * Pure: nothing is looked up, and nothing is logged.
 */
import { partyOf } from "../../protocol/wire/subjects.ts";
import {
  adminUser,
  commonInboxPrefix,
  controllerUser,
  hostUser,
  hostUserPrefix,
  inboxPrefixOf,
} from "./users.ts";

const anyInbox = /^_INBOX[^.]*\../;

/** Inboxes of controllers and hosts: no client may name one, whatever it asks. */
const cellInboxes = [`${inboxPrefixOf(controllerUser)}.`, inboxPrefixOf(hostUserPrefix)];

/** True when a request on this subject may be answered at `reply`. */
export function mayBeAnsweredAt(subject: string, reply: string): boolean {
  if (!anyInbox.test(reply)) return false;
  const found = partyOf(subject);
  if (found === undefined) return !cellInboxes.some((inbox) => reply.startsWith(inbox));
  return askersOf(found).some((prefix) => reply.startsWith(`${prefix}.`));
}

/** The inbox prefixes of those who may ask. */
function askersOf({ kind, party }: NonNullable<ReturnType<typeof partyOf>>): readonly string[] {
  if (kind === "host") return [inboxPrefixOf(controllerUser)];
  if (kind === "report") return [inboxPrefixOf(hostUser(party))];
  return [inboxPrefixOf(party), inboxPrefixOf(adminUser), commonInboxPrefix];
}
