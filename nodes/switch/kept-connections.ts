/**
 * Connections that outlive their switch: a file of those that were answered, from which the next switch goes
 * on. Without it, a guest that only receives would be cut off until it sends something. What the file says is
 * believed only as far as the rules allow it, and only when it is young: guests forget connections, too.
 */
import { readFile, stat } from "node:fs/promises";
import { Type } from "@sinclair/typebox";
import { answer, Count, Id } from "../../protocol/wire/schema.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import type { Connection } from "./filter/connections.ts";
import { switchLimits } from "./limits.ts";

const Digits = Type.String({ pattern: "^(?:[0-9a-f]{8}|[0-9a-f]{32})$" });
const Kept = Type.Array(
  answer({
    ...{ network: Count, from: Id, to: Id, tcpFlags: Count, icmp: Type.Null() },
    flow: answer({
      ...{ version: Type.Union([Type.Literal(4), Type.Literal(6)]), protocol: Count },
      ...{ source: Digits, destination: Digits, sourcePort: Count, destinationPort: Count },
    }),
  }),
  { maxItems: switchLimits.connectionsKeptMax },
);

export type KeptConnection = Pick<Connection, "network" | "from" | "to" | "carried">;

/**
 * The newest of the connections that have been answered, as many as are kept. Revoked ones have at most half
 * of the room; the next switch finds out by the rules that they are revoked.
 */
export function keptText(connections: Iterable<Connection>, revoked: readonly KeptConnection[]): string {
  const { connectionsKeptMax } = switchLimits;
  const answered = [...connections].filter(({ stage }) => stage === "answered");
  const ended = revoked.flatMap(keptOf).slice(-connectionsKeptMax / 2);
  const kept = answered.flatMap(keptOf).slice(-(connectionsKeptMax - ended.length));
  return JSON.stringify([...ended, ...kept]);
}

/** ICMP's are over before another switch lives. */
const keptOf = ({ network, from, to, carried }: KeptConnection) =>
  carried.icmp === null ? [{ network, from, to, ...carried }] : [];

/** None: the file is missing, damaged, or old. */
export async function readKept(path: string): Promise<readonly KeptConnection[]> {
  try {
    const { mtimeMs } = await stat(path);
    const kept: unknown = JSON.parse(await readFile(path, "utf8"));
    if (Date.now() - mtimeMs > switchLimits.connectionsKeptMs || !validatorOf(Kept).accepts(kept)) return [];
    return kept.map(({ network, from, to, ...carried }) => ({ network, from, to, carried }));
  } catch {
    // Connections are found again by the packets of who has opened them.
    return [];
  }
}
