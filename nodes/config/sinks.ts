/**
 * The sinks of events in cluster.yaml: which drivers, with which options. The known drivers come in as an
 * argument, so that a plug-in's are checked as ours are. It must open none.
 */
import { type Static, type TObject, Type } from "@sinclair/typebox";
import { checkPart, type Finding, type LineOf, unknownName } from "./explain.ts";

/** A sink that was checked. */
export interface SinkChoice {
  readonly name: string;
  readonly driver: string;
  /** As the driver's schema has passed them, with its defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of cluster.yaml. */
  readonly line: number;
}

/** What is known of the drivers of sinks, by name. */
export type KnownSinks = Readonly<Record<string, { readonly options: TObject }>>;

const word = { pattern: "^[a-z][a-z0-9-]{0,31}$" };

export const SinksSchema = Type.Array(
  Type.Object(
    {
      driver: Type.String({ description: "the kind of sink: file, webhook, or one of a plug-in" }),
      name: Type.Optional(
        Type.String({
          ...word,
          description:
            "a name of lower-case letters, digits and -, different for every sink; else the driver's",
        }),
      ),
      options: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), { description: "the options that the driver takes" }),
      ),
    },
    { additionalProperties: false, description: "a sink of events, as { driver: NAME, options: { ... } }" },
  ),
  { maxItems: 20, description: "where every event is brought" },
);

interface Judged {
  readonly sinks: readonly SinkChoice[];
  readonly findings: readonly Finding[];
}

/** `known`: undefined when there are plug-ins that were not loaded: then no sink is judged. */
export function judgeSinks(
  written: Static<typeof SinksSchema> | undefined,
  known: KnownSinks | undefined,
  lineOf: LineOf,
): Judged {
  if (known === undefined) return { sinks: [], findings: [] };
  const sinks: SinkChoice[] = [];
  const findings: Finding[] = [];
  for (const [index, { driver, name = driver, options = {} }] of (written ?? []).entries()) {
    const at = ["sinks", index];
    const say = (key: string, message: string) => findings.push({ line: lineOf([...at, key]), message });
    const facts = Object.hasOwn(known, driver) ? known[driver] : undefined;
    if (facts === undefined) {
      say("driver", unknownName([...at, "driver"], driver, Object.keys(known)));
      continue;
    }
    if (sinks.some((one) => one.name === name))
      say("name", `sinks.${index} is a second sink ${name}. Give each a name of its own: name: NAME.`);
    const checked = checkPart({ value: options, at: [...at, "options"], lineOf }, facts.options);
    if (checked.ok) sinks.push({ name, driver, options: checked.value, line: lineOf(at) });
    else findings.push(...checked.findings);
  }
  return { sinks, findings };
}
