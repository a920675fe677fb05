/**
 * The names of the users of the bus, and of the inboxes at which they hear answers. What each may do is in
 * access.ts; pages know this file too.
 */
import { adminProject, assertToken } from "../../protocol/wire/subjects.ts";

export const controllerUser = "controller";
export const adminUser: string = adminProject;
export const hostUserPrefix = "host_";
export const hostUser = (hostId: string): string => `${hostUserPrefix}${assertToken(hostId, "host id")}`;
export const inboxPrefixOf = (user: string): string => `_INBOX_${user}`;
/** The inbox prefix of clients that were told none. */
export const commonInboxPrefix = "_INBOX";
