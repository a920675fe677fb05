/**
 * Service definitions. One definition per method gives everything else: the validator, the subject, the types
 * of the handler and of the client. There is one kind of method: request and answer. What looks like a stream
 * (events, console) is a long poll with a position, so it survives the loss of any message, server or
 * connection without further protocol.
 */
import type { Static, TSchema } from "@sinclair/typebox";
import type { LeftOut } from "./understood.ts";

/** Who may call a method: every project on its own subject, or only the reserved project `admin`. */
export type Audience = "project" | "admin";

/** `collection`: `…<noun>.<method>`; `entity`: `…<noun>.<id>.<method>`. */
export type Target = "collection" | "entity";

export interface Method<Q extends TSchema = TSchema, A extends TSchema = TSchema, T extends Target = Target> {
  readonly request: Q;
  readonly answer: A;
  readonly target: T;
  readonly audience: Audience;
  /** A mutating method honours the request id (I5) and may be repeated with it. */
  readonly mutates: boolean;
  /** The work may take minutes: clients do not split the call into short attempts. */
  readonly long?: boolean;
  /** One sentence, for discovery and for protocol/README.md. */
  readonly summary: string;
}

export interface Service<M extends Record<string, Method> = Record<string, Method>> {
  readonly noun: string;
  readonly version: string;
  readonly summary: string;
  /**
   * Both ends are our own processes, of two versions while a cluster is upgraded: fields that one end does
   * not know are dropped before its handler sees them, never refused. Absent: the requests come from clients,
   * and an unknown field is a mistake to be reported.
   */
  readonly peers?: true;
  readonly methods: M;
}

export const method = <Q extends TSchema, A extends TSchema, T extends Target>(
  definition: Method<Q, A, T>,
): Method<Q, A, T> => definition;

export const service = <M extends Record<string, Method>>(definition: Service<M>): Service<M> => definition;

export type RequestOf<M> = M extends Method<infer Q, TSchema> ? Static<Q> : never;
export type AnswerOf<M> = M extends Method<TSchema, infer A> ? Static<A> : never;

/** The caller's identity, the object and the deadline. Passed with every call, in process or over the bus. */
export interface CallContext {
  /** The tenant: the project in the subject. `admin` may see all. */
  readonly project: string;
  /** The actor's id; empty for a method of a collection. */
  readonly id: string;
  /** The idempotency key; minted at the edge when the caller sent none. */
  readonly requestId: string;
  /** On the receiver's monotonic clock, in ms. */
  readonly deadlineMs: number;
  readonly traceparent: string | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Says that from now on a request with `wait` or `waitMs` only waits: the next one may be worked on.
   * Idempotent; of another request it changes nothing.
   */
  readonly onlyWaits: () => void;
  /**
   * Entries of a peer's lists that could not be understood and are not in the request; the handler logs them.
   * Absent: none.
   */
  readonly leftOut?: LeftOut;
}

export type Handler<M> = (request: RequestOf<M>, context: CallContext) => Promise<AnswerOf<M>>;

/** The handlers that a server brings for a service, one per method; a missing one does not compile. */
export type Handlers<S extends Service> = { readonly [K in keyof S["methods"]]: Handler<S["methods"][K]> };

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly requestId?: string;
  readonly signal?: AbortSignal;
  readonly traceparent?: string;
  /** Hears what was left out of a peer's answer because it could not be understood; absent: nobody does. */
  readonly onLeftOut?: (leftOut: LeftOut) => void;
}

type Call<M> =
  M extends Method<infer Q, infer A>
    ? M["target"] extends "entity"
      ? (id: string, request: Static<Q>, options?: CallOptions) => Promise<Static<A>>
      : (request: Static<Q>, options?: CallOptions) => Promise<Static<A>>
    : never;

/** The typed client of a service: a mapped type, never written by hand. */
export type Client<S extends Service> = { readonly [K in keyof S["methods"]]: Call<S["methods"][K]> };
