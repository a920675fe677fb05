/**
 * The choice of drivers in cluster.yaml: for each node one of each kind, a name or `{ driver, options }`.
 * The known drivers come in as an argument, so that a plug-in's drivers are checked as ours are. This file
 * must open no driver.
 */
import { resolve } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { usualDisks, usualHypervisor } from "../drivers/built-in.ts";
import type { DriverChoice, DriverChoices, DriverFacts, KnownDrivers } from "../drivers/kinds.ts";
import { checkPart, type Finding, findingsAt, type LineOf, unknownName } from "./explain.ts";
import type { ClusterFile, NodeSchema } from "./schema.ts";

type NodeFile = Static<typeof NodeSchema>;
type Kind = "hypervisor" | "disks" | "network" | "volumes";
type Path = readonly (string | number)[];

const kinds = ["hypervisor", "disks", "network", "volumes"] as const;

/** Options that have keys of their own in a node, as they had before there was a choice. */
const shortOptions = { hypervisor: "accelerator", disks: "sharedDirectory" } as const;

const ChoiceSchema = Type.Object(
  {
    driver: Type.String({ description: "the driver's name" }),
    options: Type.Optional(Type.Object({}, { description: "the driver's options" })),
  },
  {
    additionalProperties: false,
    description: "a driver: its name, or { driver: its name, options: { ... } }",
  },
);

/** What is known of the drivers of one kind. */
function driversOf(known: KnownDrivers, kind: Kind): Readonly<Record<string, DriverFacts>> {
  const byKind = { hypervisor: known.hypervisors, disks: known.disks, network: known.networks };
  return kind === "volumes" ? known.volumes : byKind[kind];
}

/** The driver that the file names, or the default. Undefined: the node has none of the kind. */
function writtenOf(node: NodeFile, kind: Kind, known: KnownDrivers): DriverChoice | undefined {
  const given = isAuto(kind, node[kind]) ? undefined : node[kind];
  if (isNone(kind, given)) return undefined;
  if (typeof given === "string") return { driver: given, options: {} };
  // Nothing is behind the key: where the node's drivers are believed, nobody has refused that.
  if (typeof given === "object" && given !== null)
    return { driver: given.driver, options: given.options ?? {} };
  const usual = usualOf(node, kind, known);
  return usual === undefined ? undefined : { driver: usual, options: {} };
}

/** What a node has that names none of the kind: with real guests, their disks, network and volumes. */
function usualOf(node: NodeFile, kind: Kind, known: KnownDrivers): string | undefined {
  if (kind === "hypervisor") return usualHypervisor;
  const hypervisor = writtenOf(node, "hypervisor", known)?.driver ?? usualHypervisor;
  const facts = known.hypervisors[hypervisor];
  if (kind === "disks") return facts?.disks ?? usualDisks;
  return kind === "network" ? facts?.network : facts?.volumes;
}

/** The word of a node that is to have no network, or no volumes, where its hypervisor would bring them. */
const none = "none";
const isNone = (kind: Kind, given: unknown): boolean =>
  (kind === "network" || kind === "volumes") && given === none;

/** The word of a node whose network driver `up` chooses by what the computer can. */
const auto = "auto";
const isAuto = (kind: Kind, given: unknown): boolean => kind === "network" && given === auto;
const isWord = (kind: Kind, given: unknown): boolean => isNone(kind, given) || isAuto(kind, given);

/** True: nobody has named the network driver of the node's real guests. */
export const leavesNetwork = (node: NodeFile, known: KnownDrivers): boolean =>
  (node.network === undefined || isAuto("network", node.network)) &&
  writtenOf(node, "network", known)?.driver !== undefined;

/** Whether the node names a driver that is not known: perhaps that of a plug-in, for who loads none. */
export function namesOthers(node: NodeFile, known: KnownDrivers): boolean {
  return kinds.some((kind) => {
    const given: unknown = node[kind];
    const isChoice = typeof given === "object" && given !== null && "driver" in given;
    const name = isChoice ? given.driver : given;
    if (isWord(kind, name)) return false;
    return typeof name === "string" && !Object.hasOwn(driversOf(known, kind), name);
  });
}

const hasOption = ({ options }: DriverFacts, option: string): boolean =>
  Object.hasOwn(options.properties, option);

/** What is wrong with a node's choices, apart from what the schema judges. */
export function driverFindings(
  node: NodeFile,
  index: number,
  { known, lineOf }: { readonly known: KnownDrivers; readonly lineOf: LineOf },
): readonly Finding[] {
  const at = (kind: string): Path => ["nodes", index, kind];
  const wrong = kinds.flatMap((kind) =>
    isWord(kind, node[kind]) ? [] : choiceFindings(node[kind], at(kind), driversOf(known, kind), lineOf),
  );
  if (wrong.length > 0) return wrong;
  const say = (key: string, message: string): Finding[] => [
    { line: lineOf(at(key)), message: `${at(key).join(".")} ${message}` },
  ];
  return [
    ...shortFindings(node, "hypervisor", at, { known, lineOf, say }),
    ...shortFindings(node, "disks", at, { known, lineOf, say }),
    ...pairFindings(node, known, say),
  ];
}

function choiceFindings(
  given: unknown,
  path: Path,
  drivers: Readonly<Record<string, DriverFacts>>,
  lineOf: LineOf,
): readonly Finding[] {
  if (given === undefined) return [];
  const isName = typeof given === "string";
  const form = isName ? [] : findingsAt(given, { schema: ChoiceSchema, path, lineOf });
  if (form.length > 0) return form;
  const { driver, options = {} } = isName
    ? { driver: given }
    : (given as { driver: string; options?: object });
  const named = isName ? path : [...path, "driver"];
  const facts = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
  if (facts === undefined)
    return [{ line: lineOf(named), message: unknownName(named, driver, Object.keys(drivers)) }];
  const part = { value: { ...options }, at: isName ? path : [...path, "options"], lineOf };
  const checked = checkPart(part, facts.options);
  return checked.ok ? [] : checked.findings;
}

/** The choice with the defaults of its driver's options. Of a driver that is not known it stays as it is. */
function withDefaults<C extends DriverChoice | undefined>(choice: C, kind: Kind, known: KnownDrivers) {
  const facts = choice && driversOf(known, kind)[choice.driver];
  if (choice === undefined || facts === undefined) return choice;
  const checked = checkPart({ value: choice.options, at: [], lineOf: () => 1 }, facts.options);
  return checked.ok ? { ...choice, options: checked.value } : choice;
}

interface Around {
  readonly known: KnownDrivers;
  readonly lineOf: LineOf;
  readonly say: (key: string, message: string) => readonly Finding[];
}

/** A driver that only pretends ignores the short options of real drivers. */
function shortFindings(
  node: NodeFile,
  kind: "hypervisor" | "disks",
  at: (key: string) => Path,
  { known, lineOf, say }: Around,
): readonly Finding[] {
  const option = shortOptions[kind];
  const value = node[option];
  const written = writtenOf(node, kind, known);
  const facts = written && driversOf(known, kind)[written.driver];
  if (value === undefined || written === undefined || facts === undefined || facts.pretends === true)
    return [];
  const schema = facts.options.properties[option];
  if (schema === undefined)
    return say(option, `is no option of the ${kind} driver ${written.driver}. Remove it.`);
  if (Object.hasOwn(written.options, option))
    return say(option, `is said twice: ${at(kind).join(".")}.options has it as well. Remove one.`);
  return findingsAt(value, { schema, path: at(option), lineOf });
}

function pairFindings(
  node: NodeFile,
  known: KnownDrivers,
  say: (key: string, message: string) => readonly Finding[],
): readonly Finding[] {
  const { hypervisor, disks, network } = factsOf(node, known);
  const [guests, chosen] = [writtenOf(node, "hypervisor", known), writtenOf(node, "disks", known)];
  const { disksOnly } = hypervisor ?? {};
  if (disksOnly !== undefined && chosen !== undefined && !disksOnly.includes(chosen.driver))
    return say(
      "disks",
      `cannot be ${chosen.driver}: guests of ${guests?.driver} run on disks of ${disksOnly.join(", ")} alone.`,
    );
  if (hypervisor?.pretends === true) return [];
  const wrong = { disks: disks?.pretends === true, network: network?.pretends === true };
  return (["disks", "network"] as const).flatMap((kind) => {
    const drivers = driversOf(known, kind);
    const real = Object.keys(drivers).filter((name) => drivers[name]?.pretends !== true);
    const words = `only pretends, and the guests of the node are real. Choose one of: ${real.join(", ")}.`;
    return wrong[kind] ? say(kind, words) : [];
  });
}

function factsOf(node: NodeFile, known: KnownDrivers) {
  const name = (kind: Kind) => writtenOf(node, kind, known)?.driver ?? "";
  return {
    hypervisor: known.hypervisors[name("hypervisor")],
    disks: known.disks[name("disks")],
    network: known.networks[name("network")],
  };
}

/** What a node's hypervisor means for the rest of its configuration. */
export interface HypervisorTraits {
  /** True: its guests only pretend, so that the computer's capacity is not the node's. */
  readonly pretends: boolean;
  /** True: it tries the computer's abilities with the tiny guest, which has to be made first. */
  readonly probes: boolean;
}

export function traitsOf(node: NodeFile, known: KnownDrivers): HypervisorTraits {
  const { hypervisor } = factsOf(node, known);
  return { pretends: hypervisor?.pretends === true, probes: hypervisor?.probes === true };
}

/**
 * The directory of a node's disks, where its driver can share one. All nodes are on this computer, so they
 * share their disks unless the configuration says otherwise, and a guest of one node can start on another.
 * Nodes with a file system of their own cannot share.
 */
function sharedDirectoryOf(node: NodeFile, file: ClusterFile, { known, stateDirectory }: Places) {
  const written = writtenOf(node, "disks", known);
  const facts = written && known.disks[written.driver];
  const option = shortOptions.disks;
  if (written === undefined || facts === undefined || !hasOption(facts, option)) return undefined;
  const apart = traitsOf(node, known).pretends || (file.chaos?.nodeFileSystemMib ?? 0) > 0;
  const chosen = written.options[option] ?? node[option] ?? file[option] ?? (apart ? "none" : "shared");
  return chosen === "none" ? undefined : resolve(stateDirectory, String(chosen));
}

interface Places {
  readonly known: KnownDrivers;
  readonly stateDirectory: string;
}

/** The node's choices, of which nothing was found wrong, with the directory that its disks share. */
export function completeDrivers(node: NodeFile, file: ClusterFile, places: Places) {
  const { known } = places;
  const sharedDirectory = sharedDirectoryOf(node, file, places);
  const { accelerator } = node;
  const { [shortOptions.disks]: _, ...disksOptions } = writtenOf(node, "disks", known)?.options ?? {};
  const hypervisor = writtenOf(node, "hypervisor", known) ?? { driver: usualHypervisor, options: {} };
  const takes = known.hypervisors[hypervisor.driver];
  const short = accelerator !== undefined && takes !== undefined && hasOption(takes, "accelerator");
  const written: DriverChoices = {
    hypervisor: short ? { ...hypervisor, options: { ...hypervisor.options, accelerator } } : hypervisor,
    disks: {
      driver: writtenOf(node, "disks", known)?.driver ?? usualDisks,
      options: { ...disksOptions, ...(sharedDirectory === undefined ? {} : { sharedDirectory }) },
    },
    network: writtenOf(node, "network", known),
    volumes: writtenOf(node, "volumes", known),
  };
  const drivers: DriverChoices = {
    hypervisor: withDefaults(written.hypervisor, "hypervisor", known),
    disks: withDefaults(written.disks, "disks", known),
    network: withDefaults(written.network, "network", known),
    volumes: withDefaults(written.volumes, "volumes", known),
  };
  return { drivers, sharedDirectory };
}
