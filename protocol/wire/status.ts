/**
 * Failures. A denial is a value ({@link Denial}) as long as it travels inside pure code; the shell throws
 * {@link StatusError}. Messages are public: no path, no secret, no stack. What only an operator may see goes
 * to `detail`, and to the log. Codes and reasons are in reasons.ts.
 */
import { type Code, codes, isReason, type Reason, reasons } from "./reasons.ts";

/** A plug-in's own reason, such as `acme.tooHot`. Its errors carry their code and next step. */
export type PluginReason = `${string}.${string}`;

/** A refusal as a value. Pure code returns it; it never throws. */
export interface Denial {
  readonly reason: Reason;
  /** Public, one sentence, names the object and what was attempted. */
  readonly message: string;
  readonly retryAfterMs?: number;
  /** Further public facts, such as the explanation per host and filter. */
  readonly details?: unknown;
}

/** An error on the wire, and in the record of an operation or a failed instance. */
export interface ErrorBody {
  readonly code: Code;
  readonly reason: Reason | PluginReason;
  readonly message: string;
  readonly next: string;
  readonly retryAfterMs?: number;
  readonly details?: unknown;
  /** Public messages of the causes, outermost first. */
  readonly causes?: string[];
}

/** An error from a peer, which may have codes and reasons that are not known here. */
export type PeerError = Omit<ErrorBody, "code" | "reason"> & {
  readonly code: string;
  readonly reason: string;
};

export class StatusError extends Error {
  override readonly name = "StatusError";
  /** One of ours, or a plug-in's own. */
  readonly reason: Reason | PluginReason;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;
  /** For the log only: never crosses the wire. */
  readonly detail: string | undefined;
  /** Code and next step that came with it: of a plug-in, or of a peer whose reason is not known here. */
  readonly #theirs: Pick<StatusErrorOptions, "code" | "next">;

  constructor(reason: Reason | PluginReason, message: string, options: StatusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
    this.detail = options.detail;
    this.#theirs = { code: options.code, next: options.next };
  }

  get code(): Code {
    return this.#theirs.code ?? oursFor(this.reason).code;
  }

  /** Wraps anything thrown: a StatusError is returned unchanged, anything else becomes `internal`. */
  static from(thrown: unknown, attempted: string): StatusError {
    if (thrown instanceof StatusError) return thrown;
    return new StatusError("internal", `${attempted} failed for a reason that is in the log.`, {
      cause: thrown,
    });
  }

  static of(denial: Denial): StatusError {
    const { retryAfterMs, details } = denial;
    return new StatusError(denial.reason, denial.message, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(details === undefined ? {} : { details }),
    });
  }

  /**
   * The error that a peer sent. An unknown reason (of a newer peer) becomes `internal`, with the peer's code
   * and text, because the code decides whether to repeat. That of a plug-in stays.
   */
  static fromBody(body: PeerError): StatusError {
    const { reason, code, message, next, retryAfterMs, details } = body;
    const known = isReason(reason) || isPluginReason(reason);
    return new StatusError(known ? reason : "internal", message, {
      ...(!isReason(reason) && isCode(code) ? { code, next } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(details === undefined ? {} : { details }),
    });
  }

  toBody(): ErrorBody {
    const causes = publicCauses(this.cause);
    return {
      code: this.code,
      reason: this.reason,
      message: this.message,
      next: this.#theirs.next ?? oursFor(this.reason).next,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(causes.length === 0 ? {} : { causes }),
    };
  }
}

export interface StatusErrorOptions {
  readonly cause?: unknown;
  readonly detail?: string;
  readonly retryAfterMs?: number;
  readonly details?: unknown;
  readonly code?: Code | undefined;
  readonly next?: string | undefined;
}

const isPluginReason = (text: string): text is PluginReason =>
  /^[a-z][a-z0-9-]{0,31}\.[a-z][A-Za-z0-9]{0,63}$/.test(text);
/** What stands in for a plug-in that says neither code nor next step. */
const oursFor = (reason: Reason | PluginReason) => reasons[isReason(reason) ? reason : "internal"];
const isCode = (text: string): text is Code => Object.hasOwn(codes, text);

/** Only the messages of our own errors are public; a library's text may hold a path or a password. */
function publicCauses(cause: unknown): string[] {
  const messages: string[] = [];
  for (let error = cause; error instanceof StatusError && messages.length < 8; error = error.cause) {
    messages.push(error.message);
  }
  return messages;
}
