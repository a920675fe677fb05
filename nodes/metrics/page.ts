/**
 * The page that Prometheus reads: GET /metrics on one address, and nothing else. It has no password and no
 * TLS; whoever can connect may read it (SECURITY.md). A reader costs a bounded amount, however often it asks:
 * readers that come together share one page.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { metricsLimits } from "./limits.ts";
import { contentType } from "./text.ts";

export interface PageOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly address: string;
  /** Makes the page anew. */
  readonly text: () => Promise<string>;
}

export interface Page {
  readonly url: string;
  /** Ends the connections, too. */
  close(): Promise<void>;
}

/** @throws the system's error when the port is taken or the address is not this computer's */
export async function openPage({ port, address, text }: PageOptions): Promise<Page> {
  const shared = sharing(text);
  const server = createServer(
    { maxHeaderSize: metricsLimits.pageHeaderBytesMax },
    (request, response) => void answer(request, response, shared),
  );
  server.maxConnections = metricsLimits.pageConnectionsMax;
  server.requestTimeout = metricsLimits.pageRequestMsMax;
  server.headersTimeout = metricsLimits.pageRequestMsMax;
  server.keepAliveTimeout = metricsLimits.pageRequestMsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: address, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port: taken } = server.address() as AddressInfo;
  const host = address.includes(":") ? `[${address}]` : address;
  return {
    url: `http://${host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Callers that come while a page is being made get that page. */
function sharing(text: () => Promise<string>): () => Promise<string> {
  let underWay: Promise<string> | undefined;
  return () => {
    underWay ??= text().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  text: () => Promise<string>,
): Promise<void> {
  const [path] = (request.url ?? "").split("?");
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (path !== "/metrics" || !isRead) {
    response.writeHead(isRead ? 404 : 405, {
      "content-type": "text/plain; charset=utf-8",
      allow: "GET, HEAD",
    });
    response.end("There is only GET /metrics here.\n");
    return;
  }
  try {
    const page = await text();
    response.writeHead(200, { "content-type": contentType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : page);
  } catch {
    // Whoever reads is told; Prometheus counts the page as down.
    response.writeHead(500, { "content-type": "text/plain; charset=utf-8" });
    response.end("The page could not be made.\n");
  }
}
