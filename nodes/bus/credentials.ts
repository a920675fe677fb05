/**
 * The files that hold the credentials of NATS' users: where they are, and what is in them. Nothing of them
 * may ever be logged.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a client needs to be one of the users. */
export interface NatsCredentials {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  readonly inboxPrefix?: string;
}

export const credentialsFile = (directory: string, user: string): string =>
  join(directory, "credentials", `${user}.json`);

/** Undefined when there is no such file; @throws what reading throws otherwise, such as EACCES. */
export function readCredentials(file: string): NatsCredentials | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as NatsCredentials;
}
