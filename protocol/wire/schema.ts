/**
 * The small schemas that all nouns are built from. Sizes come from limits.ts. Requests refuse unknown fields;
 * answers and events let unknown fields pass, since a newer peer may send more. A `description` says what is
 * allowed, as a noun phrase: errors are made of it (fault-text.ts).
 */
import { type TObject, type TProperties, type TSchema, Type, TypeGuard } from "@sinclair/typebox";
import { fieldLimits } from "../limits/fields.ts";
import { wireLimits } from "../limits/wire.ts";

/** A request object: unknown fields are refused. */
export const request = <P extends TProperties>(properties: P): TObject<P> =>
  Type.Object(properties, { additionalProperties: false });

/** An answer or event object: unknown fields are ignored. */
export const answer = <P extends TProperties>(properties: P): TObject<P> => Type.Object(properties);

export const literals = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: "string", enum: [...values] });

/**
 * A closed list of words between peers that may grow: a reader that does not know a word takes it for
 * `otherwise`.
 */
export const growing = <const T extends readonly string[]>(values: T, otherwise: T[number]) =>
  Type.Unsafe<T[number]>({ type: "string", enum: [...values], otherwise });

/**
 * A list between peers: an entry that the reader cannot understand is left out and told to who reads. A
 * longer list than `maxItems` is refused as a whole, before any of its entries is looked at.
 */
export const lenient = <T extends TSchema>(items: T, maxItems: number = wireLimits.arrayLengthMax) =>
  Type.Array(items, { lenient: true, maxItems });

/**
 * A field that is null when it has no value: in answers a field is never absent, so that it cannot disappear
 * from sight.
 */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Id = Type.String({
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  description: "an id of 1 to 64 letters, digits, - and _",
});
const printable = (what: string) => `${what} of 1 to 255 characters, none of them a control character`;
export const Name = Type.String({
  description: printable("a name"),
  minLength: 1,
  maxLength: fieldLimits.nameLengthMax,
  pattern: "^[^\\x00-\\x1f\\x7f]+$",
});
/**
 * The schema of a name in a request that gives it to something (text.ts has the rules). `Name` itself is what
 * may be stored: older versions gave other names, which are shown and looked for as they are.
 */
export const given = <T extends TSchema>(name: T): T => ({ ...name, given: "name" });
/** What people write about a thing; may be empty. */
export const Description = Type.String({
  maxLength: fieldLimits.descriptionLengthMax,
  pattern: "^[^\\x00-\\x1f\\x7f]*$",
});
/** A name that is also used as a key on command lines and in configuration. */
export const Label = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
  description: "a name of 1 to 64 letters, digits, ., - and _, a letter or digit first",
});
export const Sentence = Type.String({
  minLength: 1,
  maxLength: fieldLimits.reasonLengthMax,
  description: `a text of 1 to ${fieldLimits.reasonLengthMax} characters`,
});
export const Path = Type.String({
  description: `an absolute path of at most ${fieldLimits.pathLengthMax} characters`,
  minLength: 1,
  maxLength: fieldLimits.pathLengthMax,
  pattern: "^/[^\\x00]*$",
});
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const TimeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Sha256 = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "a SHA-256 checksum: 64 digits and letters from a to f",
});
export const Metadata = Type.Record(
  Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]{1,255}$" }),
  Type.String({ maxLength: fieldLimits.metadataValueLengthMax }),
  {
    maxProperties: fieldLimits.metadataKeysMax,
    additionalProperties: false,
    description: `pairs, each with ${printable("a key")}`,
  },
);
const givenKeys = { propertyNames: { type: "string", given: "key" } };
/** Pairs of metadata in requests that make something: the keys are held to what names are held to. */
export const GivenMetadata: typeof Metadata = { ...Metadata, ...givenKeys };
/** Pairs of metadata to set; null removes a pair. Pairs that are not named stay as they are. */
export const GivenMetadataChanges = Type.Record(
  Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]{1,255}$" }),
  nullable(Type.String({ maxLength: fieldLimits.metadataValueLengthMax })),
  { maxProperties: fieldLimits.metadataKeysMax, additionalProperties: false, ...givenKeys },
);
/** Extra requirements of a flavor, each read by the scheduler filter that knows its key. */
export const ExtraSpecs = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$" }),
  Type.String({ maxLength: fieldLimits.metadataValueLengthMax }),
  {
    maxProperties: fieldLimits.extraSpecsMax,
    additionalProperties: false,
    description: "pairs, each with a key of 1 to 255 letters, digits, ., :, - and _, a letter or digit first",
  },
);
/** Labels of a host, as its operator wrote them into the configuration. */
export const HostLabels = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$" }),
  Type.String({ maxLength: fieldLimits.metadataValueLengthMax }),
  {
    maxProperties: fieldLimits.hostLabelsMax,
    additionalProperties: false,
    description: "pairs, each with a key of 1 to 64 letters, digits, ., /, - and _, a letter or digit first",
  },
);

/**
 * The fields of a request for one page of a list. Ids are ordered by time, so the marker is the last id of
 * the previous page.
 */
export const pageRequest = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: wireLimits.pageLengthMax })),
  marker: Type.Optional(Id),
};

/**
 * The order of a list. Markers work in both: the next page goes on behind the marker's id, in the order that
 * is asked for. Absent: `oldest`.
 */
export const listOrder = Type.Optional(literals(["oldest", "newest"]));

/**
 * A filter by several values: what has any of them. An empty list is refused: nobody can tell whether it
 * means everything or nothing.
 */
export const anyOf = <T extends TSchema>(value: T) =>
  Type.Optional(Type.Array(value, { minItems: 1, maxItems: wireLimits.filterValuesMax }));

export const ErrorAnswer = answer({
  code: Type.String(),
  reason: Type.String(),
  message: Type.String(),
  next: Type.String(),
  retryAfterMs: Type.Optional(Count),
  details: Type.Optional(Type.Unknown()),
  causes: Type.Optional(Type.Array(Type.String())),
});

/** Whether an object may lack the field of this schema; undefined: there is no such field. */
export const mayBeAbsent = (schema: TSchema | undefined): boolean =>
  schema !== undefined && TypeGuard.IsOptional(schema);
