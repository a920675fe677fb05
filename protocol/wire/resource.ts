/**
 * Resources: rows that people make, perhaps change, and remove, such as flavors and key pairs. From one
 * definition come the schemas of the wire, the methods that all have, the table, the handlers, the commands
 * and what specs try. It has no rules but those that a database can keep: unique names, references, and how
 * many there may be. A noun that decides, waits or owns anything is no resource.
 */
import {
  type Static,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
} from "@sinclair/typebox";
import { answer, Count, given, Id, pageRequest, request, TimeMs } from "./schema.ts";
import { type Audience, method } from "./service.ts";

export interface ResourceDefinition {
  /**
   * The plug-in that brings it. Its rows are in the one table of all plug-ins, without references. Absent: it
   * is ours.
   */
  readonly plugin?: string;
  /** As it stands in subjects: lower case, words joined by hyphens. */
  readonly noun: string;
  /** Of an answer's field that holds one, and of the field that holds many. */
  readonly one: string;
  readonly many: string;
  /** The operators of the cell, a project, or one user of a project. */
  readonly owner: "cell" | "project" | "user";
  /** The audience of the methods that make and remove, and of those that only read. */
  readonly makes: Audience;
  readonly sees: Audience;
  readonly name: TSchema;
  /**
   * True: no two of one owner have the same name. False: a name is a text for people, and who names two of
   * them is told both ids.
   */
  readonly nameUnique: boolean;
  /** Fields beside id, owner, name and the time of creation. */
  readonly fields: TProperties;
  /** Fields of answers that come from other tables. */
  readonly joined?: TProperties;
  /** True: it has a whole number beside its id, for clients of APIs that want one. */
  readonly numbered?: true;
  /**
   * Nouns of the resources that fields refer to; they stay as long as it does. Lists can be asked for those
   * that refer to one of them.
   */
  readonly uses?: Readonly<Record<string, string>>;
  /** The field of `uses` whose row it is a part of: it goes with that row, and does not hold it. */
  readonly partOf?: string;
  /** Fields that no two rows have alike, all of a list together. */
  readonly unique?: readonly (readonly string[])[];
  /** Flags: a row with one of them is seen, and may be used, by every project; only its owner changes it. */
  readonly sharedBy?: readonly string[];
  /** Fields that every row has, and that a server of the version before does not show. */
  readonly later?: readonly string[];
  /** A field that says who beside the owner sees a row; only the owner changes it. */
  readonly visibility?: {
    readonly field: string;
    /** Values with which every project lists the row, and with which it may be named by its id. */
    readonly listed: readonly string[];
    readonly named: readonly string[];
    /** The value with which the row's members may name it by its id. */
    readonly shared: string;
    /**
     * Rows of this noun, one for each member: the field that refers to the row, and the one that has what the
     * member said; with which words the member lists the row. The member's name is the project's.
     */
    readonly members: {
      readonly noun: string;
      readonly of: string;
      readonly status: string;
      readonly listed: readonly string[];
    };
  };
  /** How many a project, or each of its users, may have unless its quota says otherwise. */
  readonly limit?: {
    readonly most: number;
    readonly of: "project" | "user";
    /** A field of whole numbers that is limited, under this name, for all rows of a project together. */
    readonly sum?: { readonly field: string; readonly name: string; readonly most: number };
  };
}

type Owned<O> = O extends "cell"
  ? unknown
  : O extends "project"
    ? { project: string }
    : { project: string; user: string };
type Numbered<N> = N extends true ? { number: number } : unknown;
/** On the wire. Absent: the server is of a version that had no numbers. */
type NumberShown<N> = N extends true ? { number?: number } : unknown;
type Fields<P> = P extends TProperties ? Static<TObject<P>> : unknown;

type Common<D extends ResourceDefinition> = { id: string; name: Static<D["name"]> } & Owned<D["owner"]> &
  Fields<D["fields"]> & { createdAtMs: number };

/** What is kept of a resource, without its version. */
export type KeptOf<D extends ResourceDefinition> = Common<D> & Numbered<D["numbered"]>;

type Later<T, L> = L extends readonly (infer F extends string)[]
  ? Omit<T, F> & { [K in F & keyof T]?: T[K] }
  : T;

/** What clients see of it. */
export type ShownOf<D extends ResourceDefinition> = Later<Common<D>, D["later"]> &
  NumberShown<D["numbered"]> &
  Fields<D["joined"]>;

/** A row as it is kept. `version` is raised by each change, from 1. */
export type RowOf<D extends ResourceDefinition> = Readonly<KeptOf<D>> & { readonly version: number };

export type ResourceOf<D extends ResourceDefinition> = D & {
  /** Name of the table; of a plug-in's resource, of its part of the table of all plug-ins. */
  readonly table: string;
  /** Schemas of what is kept in a row, beside its version. */
  readonly kept: TProperties;
  readonly shape: TUnsafe<ShownOf<D>>;
};

/** A resource of whatever kind, for code that is the same for all. */
export type Resource = ResourceDefinition & {
  readonly table: string;
  readonly kept: TProperties;
  readonly shape: TSchema;
};

/** What every row has. */
export interface ResourceRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly project?: string;
  readonly user?: string;
  readonly createdAtMs: number;
}

export function resource<const D extends ResourceDefinition>(definition: D): ResourceOf<D> {
  const { noun, owner, name, fields, joined = {}, numbered, plugin, later = [] } = definition;
  const row = {
    id: Id,
    ...(owner === "cell" ? {} : { project: Id }),
    ...(owner === "user" ? { user: Id } : {}),
    ...(numbered ? { number: Count } : {}),
    name,
    ...fields,
    createdAtMs: TimeMs,
  };
  const shown = Object.entries<TSchema>(row).map(([field, schema]) => [
    field,
    later.includes(field) ? Type.Optional(schema) : schema,
  ]);
  return {
    ...definition,
    table: `${plugin === undefined ? "" : `${plugin}.`}${noun.replaceAll("-", "_")}`,
    kept: row,
    shape: Type.Unsafe<ShownOf<D>>(
      answer({
        ...(Object.fromEntries(shown) as TProperties),
        ...(numbered ? { number: Type.Optional(Count) } : {}),
        ...joined,
      }),
    ),
  };
}

/** As quotas name what they limit: `keyPairs`, `acme.maintenanceWindows`. */
export const limitNameOf = ({ plugin, many }: Pick<ResourceDefinition, "plugin" | "many">): string =>
  plugin === undefined ? many : `${plugin}.${many}`;

/** An answer with one resource in the field of its name. */
const oneOf = <R extends Resource>(definition: R) =>
  Type.Unsafe<Record<R["one"], Static<R["shape"]>>>(answer({ [definition.one]: definition.shape }));

/** `flavor`, `key pair`. */
export const nounInWords = ({ noun }: Pick<ResourceDefinition, "noun">): string => noun.replaceAll("-", " ");
const pluralOf = (definition: ResourceDefinition): string => `${nounInWords(definition)}s`;

/** `{ list, get, delete }`: the methods of every resource. @param summaries where the usual ones do not do */
export function kept<R extends Resource>(
  definition: R,
  summaries: { readonly get?: string; readonly delete?: string } = {},
) {
  const { many, shape, name, sees, makes, nameUnique, owner } = definition;
  const whose = owner === "cell" ? "" : " In the project admin: those of every project.";
  const byName = nameUnique ? "by id or by name" : "by id, or by a name that only one has";
  return {
    list: method({
      request: request({ ...pageRequest, name: Type.Optional(name), ...referenceFilters(definition) }),
      answer: Type.Unsafe<Record<R["many"], Static<R["shape"]>[]> & { nextMarker?: string }>(
        answer({ [many]: Type.Array(shape), nextMarker: Type.Optional(Id) }),
      ),
      target: "collection",
      audience: sees,
      mutates: false,
      summary: `Lists ${pluralOf(definition)}, oldest first.${whose}`,
    }),
    get: method({
      request: request({}),
      answer: oneOf(definition),
      target: "entity",
      audience: sees,
      mutates: false,
      summary: summaries.get ?? `Shows one ${nounInWords(definition)}, ${byName}.`,
    }),
    delete: method({
      request: request({}),
      answer: oneOf(definition),
      target: "entity",
      audience: makes,
      mutates: true,
      summary: summaries.delete ?? `Removes a ${nounInWords(definition)}, ${byName}.`,
    }),
  };
}

/** One filter for each field that refers to another resource. */
const referenceFilters = <R extends Resource>({ uses = {} }: R) =>
  Object.fromEntries(Object.keys(uses).map((field) => [field, Type.Optional(Id)])) as ReferenceFilters<R>;

type ReferenceFilters<R extends Resource> = {
  [K in keyof NonNullable<R["uses"]>]: TOptional<typeof Id>;
};

/** The method that makes one of what is given. @param fields those of the request beside the name */
export function made<R extends Resource, P extends TProperties>(definition: R, fields: P, summary: string) {
  return method({
    request: Type.Unsafe<{ name: Static<R["name"]> } & Static<TObject<P>>>(
      request({ name: definition.name === Id ? Id : given(definition.name), ...fields }),
    ),
    answer: oneOf(definition),
    target: "collection",
    audience: definition.makes,
    mutates: true,
    summary,
  });
}

/** A method that changes one. A new name is held to what names are held to that are given. */
export function changed<R extends Resource, P extends TProperties>(
  definition: R,
  fields: P,
  summary: string,
) {
  const { name } = fields;
  const renamed = name === undefined ? fields : { ...fields, name: given(name) };
  return method({
    request: request(renamed),
    answer: oneOf(definition),
    target: "entity",
    audience: definition.makes,
    mutates: true,
    summary,
  });
}
