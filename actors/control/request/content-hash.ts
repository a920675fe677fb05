/**
 * The fingerprint of a command: the same id with another fingerprint is another command (I5). Deterministic,
 * no I/O.
 */
import { createHash } from "node:crypto";

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

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, content]) => content !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, content]) => `${JSON.stringify(key)}:${canonical(content)}`).join(",")}}`;
}
