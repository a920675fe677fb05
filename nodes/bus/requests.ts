/**
 * Requests that wait for their answers, all at one inbox. Own book-keeping in place of the library's, so that
 * a request ends at once when it is cancelled or the connection breaks, and leaves nothing behind.
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";

export interface OpenQuestion {
  readonly subject: string;
  readonly timeoutMs: number;
  /** The caller's signal, not aborted yet. */
  readonly signal: AbortSignal | undefined;
}

export interface PendingRequests {
  open(question: OpenQuestion): {
    readonly replySubject: string;
    readonly answer: Promise<BusMessage>;
    fail(error: StatusError): void;
  };
  answer(replySubject: string, message: BusMessage): void;
  fail(replySubject: string, error: StatusError): void;
  /** Fails every waiting request to this subject. */
  failSubject(subject: string, error: StatusError): void;
  failAll(error: StatusError): void;
}

interface Waiting {
  readonly subject: string;
  readonly settle: (outcome: BusMessage | StatusError) => void;
}

/** `inboxFor`: the inbox at which a request on the subject is answered. */
export function createPendingRequests(inboxFor: (subject: string) => string): PendingRequests {
  const waiting = new Map<string, Waiting>();
  let asked = 0;
  const failWhere = (condition: (one: Waiting) => boolean, error: StatusError) => {
    for (const one of [...waiting.values()].filter(condition)) one.settle(error);
  };
  return {
    open(question) {
      asked += 1;
      const replySubject = `${inboxFor(question.subject)}.${asked.toString(36)}`;
      const { answer, settle } = wait(question, () => waiting.delete(replySubject));
      waiting.set(replySubject, { subject: question.subject, settle });
      return { replySubject, answer, fail: settle };
    },
    // An answer that comes too late, or twice, has no waiting request.
    answer: (replySubject, message) => waiting.get(replySubject)?.settle(message),
    fail: (replySubject, error) => waiting.get(replySubject)?.settle(error),
    failSubject: (subject, error) => failWhere((one) => one.subject === subject, error),
    failAll: (error) => failWhere(() => true, error),
  };
}

function wait({ timeoutMs, signal }: OpenQuestion, forget: () => void) {
  // Not by Promise.withResolvers: Node 20 and the browsers of its time have the SDK too, and not that.
  let resolve: (message: BusMessage) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const answer = new Promise<BusMessage>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    forget();
  };
  const settle = (outcome: BusMessage | StatusError) => {
    end();
    if (outcome instanceof StatusError) reject(outcome);
    else resolve(outcome);
  };
  const onAbort = () => {
    end();
    reject(signal?.reason);
  };
  const timer = setTimeout(
    () => settle(new StatusError("timeout", `Nobody answered within ${timeoutMs} ms.`)),
    Math.min(timeoutMs, wireLimits.timeoutMsMax + wireLimits.answerGraceMs),
  );
  signal?.addEventListener("abort", onAbort, { once: true });
  return { answer, settle };
}
