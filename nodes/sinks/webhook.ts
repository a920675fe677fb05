/**
 * The sink `webhook`: events are posted as JSON to a web server, signed with a secret that both know, so that
 * the receiver can tell them from anybody else's. What the server answers is its status and nothing else. The
 * secret and the rest of the URL must never reach a message or a log.
 */
import { createHmac } from "node:crypto";
import { resolve } from "node:path";
import { Type } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { readSecretFile } from "../process/secret-file.ts";
import type { SinkDriver } from "./kinds.ts";
import { sinkLimits } from "./limits.ts";

const options = Type.Object(
  {
    url: Type.String({
      pattern:
        "^(?:https://[^\\s/@?#]+|http://(?:127\\.[0-9.]+|localhost|\\[::1\\])(?::[0-9]+)?)(?:[/?][^\\s#]*)?$",
      maxLength: fieldLimits.pathLengthMax,
      description: "https://… of the receiver, without user; http:// for one on this computer",
    }),
    secretFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: fieldLimits.pathLengthMax,
        description:
          "the file that holds the secret of the signature as its only line, " +
          "readable by its owner alone (chmod 600); relative to cluster.yaml",
      }),
    ),
    timeoutSeconds: Type.Integer({
      default: sinkLimits.webhookSecondsDefault,
      minimum: 1,
      maximum: sinkLimits.webhookSecondsMax,
      description: "how long the receiver may take for one answer",
    }),
  },
  { additionalProperties: false },
);

export const webhookSink: SinkDriver<typeof options> = {
  options,
  open: ({ directory, cell, name, clock }, { url, secretFile, timeoutSeconds }) => {
    const path = secretFile === undefined ? undefined : resolve(directory, secretFile);
    const { origin } = new URL(url);
    // A mistake is said at the start; and read again for each delivery, so that a secret can be changed.
    if (path !== undefined) secretIn(path);
    return {
      deliver: async (events, signal) => {
        const body = JSON.stringify({ cell, sink: name, events });
        const atMs = String(clock.nowMs());
        const secret = path === undefined ? undefined : secretIn(path);
        const signature =
          secret === undefined
            ? undefined
            : createHmac("sha256", secret).update(`${atMs}.${body}`).digest("hex");
        const answer = await posted(url, {
          method: "POST",
          body,
          headers: {
            "content-type": "application/json",
            "novact-time": atMs,
            "novact-events": `${events[0]?.sequence ?? 0}-${events.at(-1)?.sequence ?? 0}`,
            ...(signature === undefined ? {} : { "novact-signature": `sha256=${signature}` }),
          },
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]),
        });
        // Its words are not ours to read, and may be endless.
        await answer.body?.cancel();
        if (!answer.ok) throw new Error(`${origin} has answered ${answer.status}`);
      },
    };
  },
};

/** @throws Error without the URL's path, which may hold a token */
async function posted(url: string, request: RequestInit): Promise<Response> {
  const { origin } = new URL(url);
  try {
    return await fetch(url, request);
  } catch (thrown) {
    const isLate = thrown instanceof Error && thrown.name === "TimeoutError";
    const why = isLate ? "no answer in time" : codeOf(thrown);
    throw new Error(`${origin} cannot be reached (${why})`);
  }
}

/** As ECONNREFUSED: a message may hold the URL. */
function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown";
}

/** @throws Error that names the file */
function secretIn(path: string): string {
  try {
    return readSecretFile(path);
  } catch (thrown) {
    throw new Error(`${path} ${thrown instanceof Error ? thrown.message : "cannot be read."}`);
  }
}
