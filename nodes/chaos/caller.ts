/**
 * One call with its two lines in the history: the request and its end. This file must never choose or repeat
 * a call.
 */
import { type Novact, StatusError } from "../sdk/sdk.ts";
import type { Recorder } from "./recorder.ts";

export interface Asked {
  readonly method: string;
  /** Empty for a method of a collection. */
  readonly id: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly send: (options: { requestId: string; timeoutMs: number }) => Promise<object>;
}

export const asked = (method: string, id: string, request: Asked["request"], send: Asked["send"]): Asked => ({
  ...{ method, id, request, send },
});

export interface CallerOptions {
  readonly name: string;
  readonly novact: Pick<Novact, "project">;
  readonly recorder: Pick<Recorder, "tell">;
}

/** Long enough for everything that is broken to be healed, and for the retries after it. */
const callTimeoutMs = 90_000;

/**
 * Codes after which the command may have been executed. UNAVAILABLE says only that the last attempt was not
 * executed; earlier attempts, whose answers were lost, may have been.
 */
const mayHaveHappened: readonly string[] = ["DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL"];

/** The answer; undefined: perhaps it was executed. */
export async function callOnce(
  { name: client, novact: { project }, recorder }: CallerOptions,
  { call, requestId }: { readonly call: number; readonly requestId: string },
  { method, id, request, send }: Asked,
): Promise<object | "refused" | undefined> {
  const about = { call, client, project, method, id, requestId, request };
  recorder.tell({ kind: "invoked", atMs: Date.now(), ...about });
  const completed = { kind: "completed", call } as const;
  try {
    const answer = await send({ requestId, timeoutMs: callTimeoutMs });
    recorder.tell({ ...completed, atMs: Date.now(), outcome: "ok", answer: { ...answer } });
    return answer;
  } catch (thrown) {
    const { code, reason } = StatusError.from(thrown, method);
    const outcome = mayHaveHappened.includes(code) ? "unknown" : "failed";
    recorder.tell({ ...completed, atMs: Date.now(), outcome, code, reason });
    return outcome === "unknown" ? undefined : "refused";
  }
}
