/**
 * The files with the credentials of NATS' users: their paths and their content. The content must never be
 * logged.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The server and the identity with which a client connects. */
export interface NatsCredentials {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  readonly inboxPrefix?: string;
}

export const credentialsFile = (directory: string, user: string): string =>
  join(directory, "credentials", `${user}.json`);

/**
 * The credentials in the file; undefined when there is no such file. @throws other errors of reading, such as
 * EACCES
 */
export function readCredentials(file: string): NatsCredentials | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as NatsCredentials;
}
