/**
 * The HTTP server for the bytes of images:
 *
 *   PUT, PATCH /v1/uploads/<uploadId>   bytes at Content-Range or Upload-Offset; answers { nextOffset }
 *   GET, HEAD  /v1/uploads/<uploadId>   { nextOffset }, also as the header Upload-Offset
 *   GET, HEAD  /v1/images/<sha256>      the file, or its Range
 *
 * Each needs a ticket for it as `Authorization: Bearer`. Refusals are JSON, with our reasons. Whoever
 * connects costs a bounded amount: connections, headers, time and memory. It must never read a path that a
 * client names, nor decide who may have a ticket. Without TLS it is for loopback only (decision 0081).
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ImageBytes, TicketFacts } from "../../actors/ports/image-bytes.ts";
import type { ImageUploads } from "../../actors/ports/image-uploads.ts";
import { codes } from "../../protocol/wire/reasons.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { give } from "./give.ts";
import { Given } from "./given.ts";
import { imageServerLimits } from "./limits.ts";
import { type Pace, usualPace } from "./patience.ts";
import { placeOf } from "./ranges.ts";
import { receive } from "./receive.ts";
import { checkTicket, readTicket } from "./ticket.ts";

export interface ImageServerOptions {
  /** As in the tickets for it. */
  readonly server: string;
  /** This server's own key (serverKey). */
  readonly key: Uint8Array;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly bytes: ImageBytes;
  /** Absent: it takes no uploads, as a host's. */
  readonly uploads?: Pick<ImageUploads, "status" | "write">;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Absent: the usual one. */
  readonly pace?: Pace;
  readonly requestHeadersMsMax?: number;
  /** Images that it gives at once. Absent: as many as are asked for. */
  readonly transfersMax?: number;
  /** Resolves when so many bytes of images may leave. Absent: at once. */
  readonly mayLeave?: (bytes: number) => Promise<void>;
}

export interface ImageServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** Images on their way now, and bytes that have left. */
  readonly given: { readonly transfers: number; readonly bytes: number };
  /** Ends the transfers, too: whoever was cut off goes on elsewhere, or later. */
  close(): Promise<void>;
}

/** @throws the system's error when the port is taken or the address is not this computer's */
export async function openImageServer(options: ImageServerOptions): Promise<ImageServer> {
  const given = new Given(options);
  const handle = handlerOf(options, given);
  const server = createServer({
    maxHeaderSize: imageServerLimits.requestHeaderBytesMax,
    headersTimeout: options.requestHeadersMsMax ?? imageServerLimits.requestHeadersMsMax,
    // A body takes as long as it is long: how fast it comes is judged where it is read.
    requestTimeout: 0,
    keepAliveTimeout: imageServerLimits.connectionIdleMs,
    connectionsCheckingInterval: 1_000,
  });
  server.maxConnections = imageServerLimits.imageConnectionsMax;
  server.on("request", handle);
  // Asked whether a body may come: refused without it when it may not.
  server.on("checkContinue", handle);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port, host: options.address, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = options.address.includes(":") ? `[${options.address}]` : options.address;
  return {
    url: `http://${host}:${port}`,
    given,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function handlerOf(options: ImageServerOptions, given: Given): Handler {
  const transfers = new Map<string, number>();
  return (request, response) => {
    // Whoever breaks a connection is told so by the work on it.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    void answer(request, response, { ...options, transfers, given }).catch((thrown: unknown) => {
      refuse(request, response, StatusError.from(thrown, "The transfer"), options.log);
    });
  };
}

interface Serving extends ImageServerOptions {
  readonly transfers: Map<string, number>;
  readonly given: Given;
}

async function answer(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const asked = askedOf(request);
  if (onlyReads(request) && hasBody(request))
    throw new StatusError("bodyTooLarge", "Whoever only reads sends no body.");
  const text = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (text === undefined) throw new StatusError("ticketInvalid", "There is no ticket.");
  const { key, server, nowMs } = serving;
  const facts = readTicket(text, { key, server, nowMs: nowMs() });
  checkTicket(facts, asked);
  await counted(text, serving.transfers, () =>
    asked.verb === "send"
      ? answerUpload(request, response, asked.of, serving)
      : serving.given.within(facts, () => answerImage(request, response, asked.of, inTurn(serving, facts))),
  );
}

/** Whoever reads slowly while others wait for a turn is cut off. */
function inTurn(serving: Serving, { atOnceMax }: Pick<TicketFacts, "atOnceMax">): Serving {
  if (atOnceMax === undefined) return serving;
  const { pace = usualPace } = serving;
  const bytesPerMsMin = Math.max(pace.bytesPerMsMin, imageServerLimits.turnBytesPerMsMin);
  return { ...serving, pace: { ...pace, bytesPerMsMin } };
}

const methods = { uploads: ["PUT", "PATCH", "GET", "HEAD"], images: ["GET", "HEAD"] } as const;

/** What the request is about. Names are compared with a pattern, and never become a path before. */
function askedOf({ method = "", url = "" }: IncomingMessage): Pick<TicketFacts, "verb" | "of"> {
  const [, what, of = ""] = /^\/v1\/(uploads|images)\/([A-Za-z0-9_-]{1,64})$/.exec(url) ?? [];
  if (what !== "uploads" && what !== "images")
    throw new StatusError("notFound", "There is nothing of that name here.");
  const known: readonly string[] = methods[what];
  if (!known.includes(method)) throw new StatusError("unknownMethod", `It is asked by ${known.join(", ")}.`);
  return { verb: what === "uploads" ? "send" : "fetch", of };
}

/** @throws RESOURCE_EXHAUSTED tooManyRequests */
async function counted(
  ticket: string,
  transfers: Map<string, number>,
  work: () => Promise<void>,
): Promise<void> {
  const others = transfers.get(ticket) ?? 0;
  if (others >= imageServerLimits.transfersPerTicketMax)
    throw new StatusError("tooManyRequests", "The ticket is in use as often as it may be.", {
      retryAfterMs: 1_000,
    });
  transfers.set(ticket, others + 1);
  try {
    await work();
  } finally {
    const left = (transfers.get(ticket) ?? 1) - 1;
    if (left > 0) transfers.set(ticket, left);
    else transfers.delete(ticket);
  }
}

async function answerUpload(
  request: IncomingMessage,
  response: ServerResponse,
  uploadId: string,
  { uploads, pace = usualPace }: Serving,
): Promise<void> {
  if (uploads === undefined) throw new StatusError("notFound", "This server takes no uploads.");
  if (onlyReads(request)) {
    const status = await uploads.status(uploadId);
    if (status === null) throw new StatusError("notFound", "There is no such upload (any more).");
    return sayOffset(request, response, status.nextOffset);
  }
  const { headers } = request;
  const place = placeOf({
    contentRange: headers["content-range"],
    uploadOffset: oneOf(headers["upload-offset"]),
  });
  if (headers.expect !== undefined) response.writeContinue();
  sayOffset(request, response, await receive(request, { ...place, uploads, uploadId, pace }));
}

const onlyReads = ({ method }: IncomingMessage): boolean => method === "GET" || method === "HEAD";

/** Nobody would read it, and it would hold the connection for as long as it comes. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

const oneOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(",") : header;

function sayOffset(request: IncomingMessage, response: ServerResponse, nextOffset: number): void {
  const text = JSON.stringify({ nextOffset });
  response.writeHead(200, { ...jsonHeaders(text), "upload-offset": nextOffset });
  response.end(request.method === "HEAD" ? undefined : text);
}

async function answerImage(
  request: IncomingMessage,
  response: ServerResponse,
  sha256: string,
  { bytes, pace = usualPace, mayLeave, given }: Serving,
): Promise<void> {
  const image = await bytes.open(sha256);
  if (image === undefined) throw new StatusError("notFound", "The file is not on this server.");
  try {
    const left = (length: number) => given.left(length);
    await give(request, response, { image, sha256, pace, mayLeave, left }).catch((thrown: unknown) => {
      const isRange = thrown instanceof StatusError && thrown.reason === "rangeInvalid";
      if (isRange) response.setHeader("content-range", `bytes */${image.sizeBytes}`);
      throw thrown;
    });
  } finally {
    await image.close();
  }
}

const jsonHeaders = (text: string) => ({
  "content-type": "application/json",
  "content-length": Buffer.byteLength(text),
  "cache-control": "no-store",
});

/** Numbers of HTTP that say more than the one of the code does. */
const numbers: Readonly<Record<string, number>> = { rangeInvalid: 416, unknownMethod: 405, tooSlow: 408 };

function refuse(request: IncomingMessage, response: ServerResponse, error: StatusError, log: Log): void {
  const gone = request.socket.destroyed;
  if (error.code === "INTERNAL" && !gone)
    log.warn({ error, cause: error.cause }, "a transfer of an image failed");
  if (response.destroyed || response.headersSent) {
    // What was promised does not come: the reader must not take it for whole.
    response.destroy();
    return;
  }
  const text = JSON.stringify({ error: error.toBody() });
  const number = numbers[error.reason] ?? codes[error.code].http;
  response.writeHead(number, { ...jsonHeaders(text), connection: "close" });
  response.end(request.method === "HEAD" ? undefined : text);
  drain(request);
}

/** A client that still sends would be reset before it has read why; so it may send a little more. */
function drain(request: IncomingMessage): void {
  if (request.complete) return;
  let bytes = 0;
  const timer = setTimeout(() => request.socket.destroy(), imageServerLimits.drainMsMax);
  request.socket.once("close", () => clearTimeout(timer));
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > imageServerLimits.drainBytesMax) request.socket.destroy();
  });
  request.resume();
}
