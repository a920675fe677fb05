/**
 * The fingerprint of a command: the same id with another fingerprint is another command (I5). Deterministic,
 * no I/O.
 */
import { createHash } from "node:crypto";
import type { CallContext } from "../../../protocol/wire/service.ts";

/**
 * SHA-256 over a canonical text: keys in order, absent fields left out, and `wait` too, which says how to
 * answer, not what to do.
 */
export function contentHash(
  method: string,
  target: string,
  request: Readonly<Record<string, unknown>>,
): string {
  const { wait: _wait, ...content } = request;
  return createHash("sha256")
    .update(canonical([method, target, content]))
    .digest("base64url");
}

/** The part of a request that is stored: project, request id, and the hash of its content. */
export function requestFacts(method: string, request: object, { project, requestId, id }: CallContext) {
  return { project, requestId, contentHash: contentHash(method, id, { ...request }) };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, content]) => content !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, content]) => `${JSON.stringify(key)}:${canonical(content)}`).join(",")}}`;
}
