/**
 * HTTP to one Redfish service: one request at a time on one kept connection, each under a deadline and with a
 * bounded answer. It trusts the system's certificates, those of a file, or one certificate by its
 * fingerprint, and sends nothing before the certificate is trusted. It follows no redirection: the password
 * goes to this service only.
 *
 * Node's fetch cannot be told whom to trust without a package; node:https can.
 */
import { type ClientRequestArgs, type IncomingMessage, Agent as PlainAgent, request } from "node:http";
import { Agent, request as secureRequest } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import { isAbort, within } from "../drivers/waiting.ts";
import { powerLimits } from "./limits.ts";

export interface ConnectionOptions {
  readonly hostName: string;
  readonly origin: string;
  /** Certificates in PEM. */
  readonly ca: string | undefined;
  /** SHA-256 in lower case, without colons; when it is set, nothing else about the certificate is checked. */
  readonly fingerprint: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface Question {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** The parsed body; undefined when it is not JSON. */
  readonly body: unknown;
}

export class RedfishConnection {
  readonly #options: ConnectionOptions;
  readonly #agent: PlainAgent;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#agent = agentFor(options);
  }

  /**
   * Sends a request; every HTTP status is an answer.
   * @throws AbortError; StatusError powerControlFailed, powerControlUntrusted
   */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const stop = new AbortController();
    const { clock, timeoutMs } = this.#options;
    try {
      const late = () => this.#failed("did not answer in time");
      return await within(this.#exchange(question, stop.signal), { clock, timeoutMs, signal, late });
    } catch (error) {
      stop.abort();
      if (error instanceof StatusError || isAbort(error)) throw error;
      throw this.#explained(error);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(question: Question, signal: AbortSignal): Promise<Answer> {
    const url = new URL(question.path, this.#options.origin);
    const text = question.body === undefined ? undefined : JSON.stringify(question.body);
    const headers = {
      Accept: "application/json",
      "OData-Version": "4.0",
      ...(text === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(text)) }),
      ...question.headers,
    };
    const send = url.protocol === "https:" ? secureRequest : request;
    return new Promise((resolve, reject) => {
      const sent = send(url, { method: question.method, headers, agent: this.#agent, signal });
      sent.once("error", reject);
      sent.once("response", (response) => this.#read(response).then(resolve, reject));
      sent.end(text);
    });
  }

  async #read(response: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > powerLimits.powerAnswerBytesMax) throw this.#failed("answered with too much");
      chunks.push(chunk);
    }
    return {
      status: response.statusCode ?? 0,
      header: (name) => [response.headers[name] ?? []].flat()[0],
      body: parsed(Buffer.concat(chunks).toString("utf8")),
    };
  }

  #explained(cause: unknown): StatusError {
    const { code = "" } = cause as NodeJS.ErrnoException;
    // Source: the names of OpenSSL's verification errors and of Node's own, as node:tls documents them.
    if (!/CERT|SIGNATURE|ISSUER|CHAIN|HOSTNAME/.test(code)) {
      return this.#failed("cannot be reached", cause);
    }
    const message = `The certificate of ${whose(this.#options)} is not one to trust.`;
    return new StatusError("powerControlUntrusted", message, { cause });
  }

  #failed(what: string, cause?: unknown): StatusError {
    return new StatusError("powerControlFailed", `${capital(whose(this.#options))} ${what}.`, { cause });
  }
}

const whose = ({ hostName }: { readonly hostName: string }): string => `the Redfish service of ${hostName}`;
const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function agentFor({ origin, ca, fingerprint }: ConnectionOptions): PlainAgent {
  const kept = { keepAlive: true, maxSockets: 1 };
  if (origin.startsWith("http:")) return new PlainAgent(kept);
  if (fingerprint !== undefined) return new PinnedAgent(fingerprint, kept);
  return new Agent({ ...kept, ...(ca === undefined ? {} : { ca }) });
}

type Connected = (error: Error | null, stream: Duplex) => void;

/** Hands out a connection only when its certificate has the fingerprint; requests wait until then. */
class PinnedAgent extends Agent {
  readonly #fingerprint: string;

  constructor(fingerprint: string, options: ConstructorParameters<typeof Agent>[0]) {
    super(options);
    this.#fingerprint = fingerprint;
  }

  override createConnection(options: ClientRequestArgs, connected?: Connected): undefined {
    const host = options.host ?? "localhost";
    const socket = connect({
      host,
      port: Number(options.port ?? 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false,
    });
    // A handshake that never ends must not outlive the request that waits for it.
    socket.setTimeout(powerLimits.powerRequestTimeoutMs, () => socket.destroy());
    const failed = (error: Error) => connected?.(error, socket);
    const closed = () => failed(new Error("The connection was closed before it was secure."));
    socket.once("error", failed);
    socket.once("close", closed);
    socket.once("secureConnect", () => {
      if (!this.#isTheOne(socket)) return socket.destroy(new WrongCertificate());
      socket.setTimeout(0);
      socket.removeListener("error", failed);
      socket.removeListener("close", closed);
      return connected?.(null, socket);
    });
  }

  #isTheOne(socket: TLSSocket): boolean {
    const seen = socket.getPeerCertificate().fingerprint256;
    return seen?.replaceAll(":", "").toLowerCase() === this.#fingerprint;
  }
}

class WrongCertificate extends Error {
  readonly code = "WRONG_CERT";
}
