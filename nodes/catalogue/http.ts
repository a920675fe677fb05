/**
 * One question to a server of a catalogue: by http or https, with redirections followed as far as they may
 * lead. It never goes on from https to http where the answer is to be believed, never sends who asks, and
 * waits for no server that has fallen silent. What an answer says it leaves to others.
 */
import { type ClientRequest, type IncomingMessage, get as plainGet, type RequestOptions } from "node:http";
import { get as secureGet } from "node:https";
import { StatusError } from "../../protocol/wire/status.ts";
import { catalogueLimits } from "./limits.ts";

export interface Question {
  readonly url: string;
  /** True: the answer is believed as it is, so that a question by https may not be led to http. */
  readonly isBelieved: boolean;
  /** The first byte wanted; absent: all. */
  readonly from?: number;
  /** Certificates in PEM; undefined: those that the computer trusts. */
  readonly ca?: string | undefined;
  readonly signal: AbortSignal;
}

export const unreadable = (message: string, cause?: unknown): StatusError =>
  new StatusError("catalogueUnreadable", message, cause === undefined ? {} : { cause });
export const refusal = (message: string): StatusError => new StatusError("catalogueRefused", message);

/** The answer with status 200, 206 or 416. @throws StatusError catalogueUnreadable, catalogueRefused */
export async function ask(question: Question): Promise<IncomingMessage> {
  let url = new URL(question.url);
  for (let step = 0; step <= catalogueLimits.redirectsMax; step += 1) {
    const answer = await once(url, question);
    const { statusCode = 0 } = answer;
    if ([200, 206, 416].includes(statusCode)) return answer;
    answer.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode))
      throw unreadable(`${shownUrl(url)} answers with status ${statusCode}.`);
    url = nextUrl(url, answer.headers.location, question.isBelieved);
  }
  throw refusal(`${shownUrl(new URL(question.url))} leads from one address to the next without an end.`);
}

/** Where a redirection leads. @throws StatusError catalogueRefused */
export function nextUrl(from: URL, location: string | undefined, isBelieved: boolean): URL {
  const to =
    location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (
    to === undefined ||
    !["http:", "https:"].includes(to.protocol) ||
    to.username !== "" ||
    to.password !== ""
  )
    throw refusal(`${shownUrl(from)} leads to no address of http or https.`);
  if (isBelieved && from.protocol === "https:" && to.protocol !== "https:")
    throw refusal(`${shownUrl(from)} leads from https to http, by which anybody may answer.`);
  return to;
}

/** Without a query, which may have a signature in it. */
export const shownUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

function once(url: URL, { from, ca, signal }: Question): Promise<IncomingMessage> {
  const headers = {
    // As it is: what is packed would have another checksum, and any size.
    ...{ "accept-encoding": "identity", "user-agent": "novact" },
    ...(from === undefined ? {} : { range: `bytes=${from}-` }),
  };
  const options: RequestOptions & { readonly ca?: string } = {
    ...{ agent: false, signal, headers },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const get = url.protocol === "https:" ? secureGet : plainGet;
    const request: ClientRequest = get(url, options, resolve);
    request.setTimeout(catalogueLimits.silenceMsMax, () =>
      request.destroy(new Error("The server is silent.")),
    );
    request.on("error", (error) =>
      reject(
        signal.aborted ? error : unreadable(`${shownUrl(url)} cannot be read: ${error.message}.`, error),
      ),
    );
  });
}

/** A whole text, as long as it may be. @throws StatusError catalogueUnreadable, catalogueRefused */
export async function readText(question: Question): Promise<string> {
  const url = shownUrl(new URL(question.url));
  const answer = await ask(question);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > catalogueLimits.indexBytesMax)
        throw refusal(
          `${url} has more than the ${catalogueLimits.indexBytesMax} bytes that an index may have.`,
        );
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof StatusError || question.signal.aborted) throw error;
    throw unreadable(`${url} ended before its end.`, error);
  } finally {
    answer.destroy();
  }
  return Buffer.concat(chunks).toString("utf8");
}
