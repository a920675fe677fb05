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

/** A file of credentials that is damaged; the message says what to do, and nothing of what is in the file. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
  readonly code = "FAILED_PRECONDITION";

  constructor(file: string) {
    super(
      `${file} is no file of credentials: it is empty or damaged. Restore it, or delete it and start the cluster ` +
        "again: the user then gets a new password, and whoever has copied the old one needs the new one.",
    );
  }
}

/**
 * The credentials in the file; undefined when there is no such file.
 * @throws CredentialsError; other errors of reading, such as EACCES
 */
export function readCredentials(file: string): NatsCredentials | undefined {
  if (!existsSync(file)) return undefined;
  const content = parsed(readFileSync(file, "utf8"));
  if (!isCredentials(content)) throw new CredentialsError(file);
  return content;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON is no credentials.
    return undefined;
  }
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** A file has user and password; only a server that is given by its URL may do without. */
function isCredentials(content: unknown): content is NatsCredentials {
  const { servers, user, pass, inboxPrefix } = Object(content) as Readonly<Record<string, unknown>>;
  const hasServers = Array.isArray(servers) && servers.length > 0 && servers.every(isText);
  return hasServers && isText(user) && isText(pass) && (inboxPrefix === undefined || isText(inboxPrefix));
}
