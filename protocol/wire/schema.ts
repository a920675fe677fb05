/**
 * The small shapes that every noun is made of. Sizes come from limits.ts.
 * Requests refuse unknown fields; answers and events let them pass (a newer peer may have more to say).
 */
import { type TObject, type TProperties, type TSchema, Type } from "@sinclair/typebox";
import { limits } from "../limits/limits.ts";

/** A request object: unknown fields are refused. */
export const request = <P extends TProperties>(properties: P): TObject<P> =>
  Type.Object(properties, { additionalProperties: false });

/** An answer or event object: unknown fields are ignored. */
export const answer = <P extends TProperties>(properties: P): TObject<P> => Type.Object(properties);

export const literals = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: "string", enum: [...values] });

/**
 * The same between peers, where the list may grow: a reader that does not know a value takes it for
 * `otherwise`.
 */
export const growing = <const T extends readonly string[]>(values: T, otherwise: T[number]) =>
  Type.Unsafe<T[number]>({ type: "string", enum: [...values], otherwise });

/** A list between peers: an entry that its reader cannot understand is left out, and named in the log. */
export const lenient = <T extends TSchema>(items: T) => Type.Array(items, { lenient: true });

/** Absent is written as null in answers, so that a field never disappears from sight. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Id = Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" });
export const Name = Type.String({
  minLength: 1,
  maxLength: limits.nameLengthMax,
  pattern: "^[^\\x00-\\x1f\\x7f]+$",
});
/** Names that are also used as keys on command lines and in configuration. */
export const Label = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" });
export const Sentence = Type.String({ minLength: 1, maxLength: limits.reasonLengthMax });
export const Path = Type.String({ minLength: 1, maxLength: limits.pathLengthMax, pattern: "^/[^\\x00]*$" });
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const TimeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
export const Metadata = Type.Record(
  Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]{1,255}$" }),
  Type.String({ maxLength: limits.metadataValueLengthMax }),
  { maxProperties: limits.metadataKeysMax, additionalProperties: false },
);
/** A flavor's wishes, each read by the scheduler filter that knows it. */
export const ExtraSpecs = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$" }),
  Type.String({ maxLength: limits.metadataValueLengthMax }),
  { maxProperties: limits.extraSpecsMax, additionalProperties: false },
);
/** Words about a host, as its operator wrote them into the configuration. */
export const HostLabels = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$" }),
  Type.String({ maxLength: limits.metadataValueLengthMax }),
  { maxProperties: limits.hostLabelsMax, additionalProperties: false },
);

/** A page of a list: ids are time-ordered, so the marker is simply the last id of the page before. */
export const pageRequest = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageLengthMax })),
  marker: Type.Optional(Id),
};

export const ErrorAnswer = answer({
  code: Type.String(),
  reason: Type.String(),
  message: Type.String(),
  next: Type.String(),
  retryAfterMs: Type.Optional(Count),
  details: Type.Optional(Type.Unknown()),
  causes: Type.Optional(Type.Array(Type.String())),
});
