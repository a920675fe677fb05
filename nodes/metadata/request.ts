/**
 * HTTP/1.1 (RFC 9112) as far as a reader of documents needs it: one request for a path in each connection,
 * and one answer, at whose end the connection ends. A request's body is never read. Whatever a guest sends is
 * understood or refused; nothing here may throw or grow by it. Pure.
 */
import { metadataLimits } from "./limits.ts";

export type Asked =
  /** There is more to come. */
  | { readonly kind: "unfinished" }
  | { readonly kind: "asked"; readonly path: string; readonly isHead: boolean }
  | { readonly kind: "refused"; readonly status: 400 | 403 | 405 | 431; readonly isHead: boolean };

const { requestBytesMax } = metadataLimits;
/** Also of clients that write ends of lines as their system does. */
const endOfHead = /\r?\n\r?\n/;
const requestLine = /^([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.[01]$/;

/** `bytes`: all that has come so far. */
export function readAsked(bytes: Buffer): Asked {
  const text = bytes.toString("latin1", 0, requestBytesMax);
  const end = endOfHead.exec(text);
  if (end === null) return bytes.length < requestBytesMax ? { kind: "unfinished" } : refused(431, false);
  const [first = "", ...fields] = text.slice(0, end.index).split(/\r?\n/);
  const [, method, target = ""] = requestLine.exec(first) ?? [];
  const isHead = method === "HEAD";
  if (method === undefined) return refused(400, false);
  if (method !== "GET" && !isHead) return refused(405, false);
  // A program of the guest has been asked by somebody else: a guest's documents are no business of others.
  if (fields.some((field) => /^(?:x-forwarded-for|forwarded|via)[ \t]*:/i.test(field)))
    return refused(403, isHead);
  return { kind: "asked", path: target.replace(/[?#].*$/, ""), isHead };
}

const refused = (status: 400 | 403 | 405 | 431, isHead: boolean): Asked => ({
  kind: "refused",
  status,
  isHead,
});
