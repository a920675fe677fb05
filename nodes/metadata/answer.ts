/**
 * The answer to a request, as bytes: a document of the guest from whose port it came, or why there is none.
 * An answer never repeats text of the request. Pure.
 */
import type { Told } from "../../actors/node/guest-data/documents.ts";
import { servedAt } from "../../actors/node/guest-data/served.ts";
import type { Asked } from "./request.ts";

const reasons = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  431: "Request Header Fields Too Large",
} as const;
type Status = keyof typeof reasons;

/** `told` undefined: nobody has said what the guest is told. */
export function answerTo(asked: Exclude<Asked, { kind: "unfinished" }>, told: Told | undefined): Buffer {
  const { isHead } = asked;
  if (asked.kind === "refused") return whole(asked.status, plainOf(asked.status), isHead);
  const served = told && servedAt(told, asked.path);
  return served === undefined ? whole(404, plainOf(404), isHead) : whole(200, served, isHead);
}

interface Body {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const plainOf = (status: Status): Body => ({
  type: "text/plain",
  bytes: Buffer.from(`${status} ${reasons[status]}\n`),
});

function whole(status: Status, { type, bytes }: Body, isHead: boolean): Buffer {
  const head = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    `Content-Type: ${type}`,
    `Content-Length: ${bytes.length}`,
    ...(status === 405 ? ["Allow: GET, HEAD"] : []),
    "Cache-Control: no-store",
    "Connection: close",
  ];
  const text = Buffer.from(`${head.join("\r\n")}\r\n\r\n`);
  return isHead ? text : Buffer.concat([text, bytes]);
}
