/**
 * A server of images for specs: files by path, over http or https of our own, with what goes wrong on real
 * ones: connections that end early, ranges that are not kept, redirections, answers without an end.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const digestOf = (bytes: Buffer | string, algorithm = "sha256"): string =>
  createHash(algorithm).update(bytes).digest("hex");

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class CatalogueServer {
  readonly files = new Map<string, Buffer | Answer>();
  /** Every question: path, and range if one was asked for. */
  readonly asked: string[] = [];
  /** Bytes of a file after which the connection is cut, once for each of them. */
  readonly cuts: number[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(scheme: string, server: (listener: Answer) => Server) {
    this.#scheme = scheme;
    this.#server = server((request, response) => this.#answer(request, response));
  }

  /** `secure`: a certificate of its own, with its key. */
  static async start(secure?: Certificate): Promise<CatalogueServer> {
    const made =
      secure === undefined
        ? new CatalogueServer("http", (listener) => createServer(listener))
        : new CatalogueServer("https", (listener) => createSecure({ ...secure }, listener));
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  put(path: string, content: Buffer | string | Answer): void {
    this.files.set(path, typeof content === "string" ? Buffer.from(content) : content);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").slice(1);
    const { range } = request.headers;
    this.asked.push(range === undefined ? path : `${path} ${range}`);
    const content = this.files.get(path);
    if (typeof content === "function") {
      content(request, response);
      return;
    }
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const rest = content.subarray(from);
    if (range !== undefined && rest.length === 0) {
      response.writeHead(416).end();
      return;
    }
    const whole = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(range === undefined ? 200 : 206, {
      "content-length": rest.length,
      ...(range === undefined ? {} : { "content-range": whole }),
    });
    const cut = this.cuts.shift();
    if (cut === undefined) response.end(rest);
    else response.write(rest.subarray(0, cut), () => response.destroy());
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for 127.0.0.1, which only who is told trusts; undefined: openssl is not installed. */
export function ownCertificate(): Certificate | undefined {
  if (spawnSync("openssl", ["version"], { stdio: "ignore" }).status !== 0) return undefined;
  const place = mkdtempSync(join(tmpdir(), "novact-certificate-"));
  try {
    const [key, cert] = [join(place, "key.pem"), join(place, "cert.pem")];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", ...kind, ...names, "-keyout", key, "-out", cert], {
      stdio: "ignore",
    });
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(place, { recursive: true });
  }
}
