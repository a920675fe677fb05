/**
 * What changed in the messages since a version, and whether processes of both can still work side by side.
 * The rules: spec/decisions/0006-versions-side-by-side.md. Pure.
 */
import type { TSchema } from "@sinclair/typebox";
import type { MethodShape, Snapshot } from "./snapshot.ts";

export type Kind =
  | "methodRemoved"
  | "methodChanged"
  | "fieldAdded"
  | "requiredAdded"
  | "fieldRemoved"
  | "becameRequired"
  | "becameOptional"
  | "narrowed"
  | "widened"
  | "valueRemoved"
  | "valueAdded"
  | "tolerantValueAdded";

/** Who reads: a server what clients ask, clients what it answers, peers each other. */
export type Role = "asked" | "answered" | "peers";

export interface Change {
  readonly kind: Kind;
  /** `<noun>.<method>.<request or answer>.<field>…`; `[]` is an entry of a list, `{}` one of a map. */
  readonly path: string;
  readonly role: Role;
}

/** Why not, and what to do instead; undefined: both versions understand each other. */
const verdicts: Readonly<Record<Kind, Readonly<Record<Role, string | undefined>>>> = {
  methodRemoved: always("The previous version still calls it. Keep it as long as that version is supported."),
  methodChanged: always("Target, audience and mutates are what a method is. Give the new one another name."),
  fieldAdded: { asked: undefined, answered: undefined, peers: undefined },
  requiredAdded: always(
    "The previous version does not send it and would be refused. Make it optional, and say what its absence means.",
  ),
  fieldRemoved: always("The previous version sends it or waits for it. Keep it, and ignore it if need be."),
  becameRequired: always(
    "The previous version may leave it out. Keep it optional, with its meaning when absent.",
  ),
  becameOptional: {
    asked: undefined,
    ...forReaders(
      "The previous version refuses a message without it. Go on sending it, as a required field.",
    ),
  },
  narrowed: always("The previous version says more than this allows. Accept all of it, as before."),
  widened: {
    asked: undefined,
    ...forReaders("The previous version refuses what is new in it. Say it in a new optional field."),
  },
  valueRemoved: always("The previous version says it or waits for it. Keep it."),
  valueAdded: {
    asked: undefined,
    answered: undefined,
    peers:
      "A peer of the previous version refuses the whole message. Say it only to those that have said that they know it, " +
      "and enter the path in `decided`; for later versions make the list `growing` or put it into a `lenient` one.",
  },
  tolerantValueAdded: { asked: undefined, answered: undefined, peers: undefined },
};

function always(text: string): Record<Role, string> {
  return { asked: text, answered: text, peers: text };
}

function forReaders(text: string): { readonly answered: string; readonly peers: string } {
  return { answered: text, peers: text };
}

/** One sentence for each change that would part the versions. */
export function faults(before: Snapshot, after: Snapshot): readonly string[] {
  return changesSince(before, after).flatMap((change) => {
    const verdict = verdicts[change.kind][change.role];
    return verdict === undefined ? [] : [`${change.path} (${change.kind}): ${verdict}`];
  });
}

export function changesSince(before: Snapshot, after: Snapshot): readonly Change[] {
  return Object.entries(before).flatMap(([noun, { methods }]) =>
    Object.entries(methods).flatMap(([name, method]): readonly Change[] => {
      const present = after[noun]?.methods[name];
      const path = `${noun}.${name}`;
      const peers = after[noun]?.peers === true;
      if (present === undefined) return [{ kind: "methodRemoved", path, role: "asked" }];
      return methodChanges(method, present, path, peers);
    }),
  );
}

function methodChanges(
  before: MethodShape,
  after: MethodShape,
  path: string,
  peers: boolean,
): readonly Change[] {
  const isOther = (["target", "audience", "mutates"] as const).some((fact) => before[fact] !== after[fact]);
  const both = (part: "request" | "answer", role: Role) =>
    schemaChanges(before[part], after[part], { path: `${path}.${part}`, role, tolerant: false });
  return [
    ...(isOther ? [{ kind: "methodChanged", path, role: "asked" } as const] : []),
    ...both("request", peers ? "peers" : "asked"),
    ...both("answer", peers ? "peers" : "answered"),
  ];
}

interface Place {
  readonly path: string;
  readonly role: Role;
  /** In a list of which a reader of the version before leaves out what it does not understand. */
  readonly tolerant: boolean;
}

function schemaChanges(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  if (Array.isArray(before.anyOf) || Array.isArray(after.anyOf)) return alternatives(before, after, place);
  if (before.type !== after.type || before.const !== after.const) return [at(place, "narrowed")];
  return [
    ...words(before, after, place),
    ...bounds(before, after, place),
    ...(before.type === "object" ? fields(before, after, place) : []),
    ...things(before, after, place),
    ...(before.type === "array"
      ? schemaChanges(before.items, after.items, {
          ...inside(place, "[]"),
          tolerant: place.tolerant || before.lenient === true,
        })
      : []),
  ];
}

const at = ({ path, role }: Place, kind: Kind): Change => ({ kind, path, role });
const inside = (place: Place, name: string): Place => ({ ...place, path: `${place.path}${name}` });

/** Alternatives are compared in their order, but for null, which may come and go. */
function alternatives(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  const [was, is] = [before, after].map((schema): readonly TSchema[] => schema.anyOf ?? [schema]) as [
    readonly TSchema[],
    readonly TSchema[],
  ];
  const takesNull = (schemas: readonly TSchema[]) => schemas.some(({ type }) => type === "null");
  const others = (schemas: readonly TSchema[]) => schemas.filter(({ type }) => type !== "null");
  const [left, right] = [others(was), others(is)];
  return [
    ...(takesNull(was) && !takesNull(is) ? [at(place, "narrowed")] : []),
    ...(!takesNull(was) && takesNull(is) ? [at(place, "widened")] : []),
    ...(right.length < left.length ? [at(place, "narrowed")] : []),
    ...(right.length > left.length ? [at(place, "widened")] : []),
    ...left.flatMap((schema, index) => {
      const other = right[index];
      return other === undefined ? [] : schemaChanges(schema, other, place);
    }),
  ];
}

function words(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  if (!Array.isArray(before.enum) && !Array.isArray(after.enum)) return [];
  if (!Array.isArray(before.enum)) return [at(place, "narrowed")];
  if (!Array.isArray(after.enum)) return [at(place, "widened")];
  const [was, is] = [new Set<unknown>(before.enum), new Set<unknown>(after.enum)];
  const added = place.tolerant || before.otherwise !== undefined ? "tolerantValueAdded" : "valueAdded";
  return [
    ...[...was].filter((word) => !is.has(word)).map((word) => at(inside(place, `=${word}`), "valueRemoved")),
    ...[...is].filter((word) => !was.has(word)).map((word) => at(inside(place, `=${word}`), added)),
  ];
}

const lowest = ["minimum", "minLength", "minItems", "minProperties"];
const highest = ["maximum", "maxLength", "maxItems", "maxProperties"];

function bounds(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  const differs = (key: string, sign: 1 | -1): Kind | undefined => {
    const [was, is] = [before[key], after[key]].map((bound) => (bound ?? -Infinity * sign) * sign);
    if (was === undefined || is === undefined || was === is) return undefined;
    return is > was ? "narrowed" : "widened";
  };
  const kinds = [
    ...lowest.map((key) => differs(key, 1)),
    ...highest.map((key) => differs(key, -1)),
    before.pattern === after.pattern ? undefined : "narrowed",
  ] as const;
  return [...new Set(kinds)].flatMap((kind) => (kind === undefined ? [] : [at(place, kind)]));
}

function fields(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  const was: Readonly<Record<string, TSchema>> = before.properties ?? {};
  const is: Readonly<Record<string, TSchema>> = after.properties ?? {};
  const required = (schema: TSchema, name: string): boolean => (schema.required ?? []).includes(name);
  const known = Object.entries(was).flatMap(([name, field]): readonly Change[] => {
    const present = is[name];
    const here = inside(place, `.${name}`);
    if (present === undefined) return [at(here, "fieldRemoved")];
    const [must, mustNow] = [required(before, name), required(after, name)];
    return [
      ...(must && !mustNow ? [at(here, "becameOptional")] : []),
      ...(!must && mustNow ? [at(here, "becameRequired")] : []),
      ...schemaChanges(field, present, here),
    ];
  });
  const added = Object.keys(is)
    .filter((name) => !Object.hasOwn(was, name))
    .map((name) => at(inside(place, `.${name}`), required(after, name) ? "requiredAdded" : "fieldAdded"));
  return [...known, ...added];
}

/** Maps with keys of any name. */
function things(before: TSchema, after: TSchema, place: Place): readonly Change[] {
  const [was] = Object.entries<TSchema>(before.patternProperties ?? {});
  const [is] = Object.entries<TSchema>(after.patternProperties ?? {});
  if (was === undefined && is === undefined) return [];
  if (was === undefined || is === undefined || was[0] !== is[0]) return [at(place, "narrowed")];
  return schemaChanges(was[1], is[1], inside(place, "{}"));
}
