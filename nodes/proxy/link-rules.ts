/**
 * The requests to the proxy and its answers: one JSON value per line, over a unix socket that only the owner
 * of the cluster may open. Types, and the parsing of a request; pure.
 */

/** The treatment of the bytes in one direction. */
export type Rule =
  | { readonly kind: "pass" }
  /** Connections are closed, and new ones refused, whatever the other direction's rule says. */
  | { readonly kind: "cut" }
  /** Nothing arrives and nothing is lost: bytes that were held back flow when the rule is removed. */
  | { readonly kind: "blackHole" }
  | { readonly kind: "delay"; readonly delayMs: number; readonly jitterMs: number };

const pass: Rule = { kind: "pass" };

export interface Rules {
  readonly toServer: Rule;
  readonly fromServer: Rule;
}

export const passing: Rules = { toServer: pass, fromServer: pass };

export function rulesOf(rule: Rule, direction: Direction): Rules {
  return {
    toServer: direction === "fromServer" ? pass : rule,
    fromServer: direction === "toServer" ? pass : rule,
  };
}

/** `node-1/nats`: the user of the link, and the server at its end. */
export type LinkName = `${string}/${LinkServer}`;
export const linkName = (party: string, server: LinkServer): LinkName => `${party}/${server}`;

export interface Link {
  readonly name: LinkName;
  /** Port of 127.0.0.1 that the party connects to. */
  readonly port: number;
  readonly serverHost: string;
  readonly serverPort: number;
}

export type ProxyRequest =
  | {
      readonly set: LinkName;
      readonly rules: Rules;
      /**
       * True: the rules stay until they are healed; false: they end with the connection that asked for them.
       */
      readonly stays: boolean;
    }
  | { readonly heal: true }
  | { readonly show: true };

export interface LinkState {
  readonly name: LinkName;
  readonly rules: Rules;
  readonly connections: number;
}

export type ProxyAnswer =
  | { readonly ok: true; readonly links: readonly LinkState[] }
  | { readonly ok: false; readonly message: string };

/** The request in a line; undefined when it is none. */
export function parseRequest(line: string): ProxyRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if ("heal" in value && value.heal === true) return { heal: true };
  if ("show" in value && value.show === true) return { show: true };
  if (!("set" in value) || !isLinkName(value.set) || !("rules" in value)) return undefined;
  const { rules } = value;
  if (typeof rules !== "object" || rules === null) return undefined;
  if (!("toServer" in rules) || !("fromServer" in rules)) return undefined;
  const { toServer, fromServer } = rules;
  if (!isRule(toServer) || !isRule(fromServer)) return undefined;
  return {
    set: value.set,
    rules: { toServer, fromServer },
    stays: "stays" in value && value.stays === true,
  };
}

const isLinkName = (value: unknown): value is LinkName =>
  typeof value === "string" && linkServers.some((server) => value.endsWith(`/${server}`));

function isRule(value: unknown): value is Rule {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  if (value.kind !== "delay") return ["pass", "cut", "blackHole"].includes(String(value.kind));
  return "delayMs" in value && "jitterMs" in value && isTime(value.delayMs) && isTime(value.jitterMs);
}

const isTime = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= 600_000;

export const directions = ["both", "toServer", "fromServer"] as const;
export type Direction = (typeof directions)[number];
export const linkServers = ["nats", "postgres"] as const;
export type LinkServer = (typeof linkServers)[number];
