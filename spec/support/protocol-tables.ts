/**
 * The tables of protocol/README.md, made from the definitions, so that the document cannot lie. What a field
 * is for and no schema can say is in protocol-notes.ts.
 */
import type { TSchema } from "@sinclair/typebox";
import {
  commandSubject,
  fieldTable,
  serviceText,
  type TableContext,
} from "../../nodes/plugins/method-tables.ts";
import { Aggregate, AvailabilityZone } from "../../protocol/aggregate.ts";
import { ActorState, ControllerHalf, LoopState } from "../../protocol/controller.ts";
import { Event, eventNames } from "../../protocol/event.ts";
import { Flavor } from "../../protocol/flavor.ts";
import { Capacity, Drain, Finding, Host, Rebalance } from "../../protocol/host.ts";
import { Image, ImageDisk, ImageFile, ImageProperties } from "../../protocol/image.ts";
import { HostVerdict, Instance } from "../../protocol/instance.ts";
import { HostInventory, MachineIntent, MachineSpec, Observation } from "../../protocol/machine.ts";
import { NumaNode, NumaPlacement, NumaUse } from "../../protocol/numa.ts";
import { Operation, OperationStep } from "../../protocol/operation.ts";
import { PassageEnd, PassageStep } from "../../protocol/passage.ts";
import { Quota, QuotaLimits } from "../../protocol/quota.ts";
import { ServerGroup } from "../../protocol/server-group.ts";
import { MachineShape, OfferedShapes } from "../../protocol/shape.ts";
import { codes, reasons } from "../../protocol/wire/reasons.ts";
import { ErrorAnswer } from "../../protocol/wire/schema.ts";
import type { Method } from "../../protocol/wire/service.ts";
import { allLimits } from "./all-limits.ts";
import { clientServices, nodeServices } from "./all-services.ts";
import { limitNotes } from "./protocol-limit-notes.ts";
import { notes } from "./protocol-notes.ts";

/** Objects that have a table of their own, and are named wherever they occur. */
const types: Readonly<Record<string, TSchema>> = {
  Instance,
  Operation,
  OperationStep,
  Event,
  Flavor,
  Image,
  ImageDisk,
  ImageFile,
  ImageProperties,
  Host,
  Capacity,
  Drain,
  Rebalance,
  NumaNode,
  NumaUse,
  OfferedShapes,
  Aggregate,
  AvailabilityZone,
  ServerGroup,
  Quota,
  QuotaLimits,
  HostVerdict,
  PassageEnd,
  PassageStep,
  Finding,
  ControllerHalf,
  LoopState,
  ActorState,
  Error: ErrorAnswer,
};
const nodeTypes: Readonly<Record<string, TSchema>> = {
  MachineSpec,
  MachineIntent,
  Observation,
  HostInventory,
  NumaPlacement,
  MachineShape,
};

/** As a table has them. @param subjectOf of a service's methods */
const contextOf = (subjectOf: TableContext["subjectOf"]): TableContext => ({
  ...{ types: { ...types, ...nodeTypes }, notes, subjectOf },
});
const context = contextOf(commandSubject);
const nodeContext = contextOf(
  ({ noun }, name) => `novact.v1.<cell>.${noun === "report" ? "report" : "host"}.<host id>.${name}`,
);

const typeTables = (named: Readonly<Record<string, TSchema>>): string[] =>
  Object.entries(named).flatMap(([name, schema]) => [
    `### ${name}`,
    "",
    ...fieldTable(name, schema, ["Fields", "field"], context),
  ]);

/** Every generated part, by the name in its markers. */
export function generatedParts(): Readonly<Record<string, string>> {
  const parts: Readonly<Record<string, readonly string[]>> = {
    codes: [
      "| code | number | repeat it? |",
      "| --- | --- | --- |",
      ...Object.entries(codes).map(
        ([code, { http, retry }]) => `| \`${code}\` | ${http} | ${retryText[retry]} |`,
      ),
    ],
    reasons: [
      "| reason | code | what to do |",
      "| --- | --- | --- |",
      ...Object.entries(reasons).map(
        ([reason, { code, next }]) => `| \`${reason}\` | \`${code}\` | ${next} |`,
      ),
    ],
    events: [
      "| noun | events |",
      "| --- | --- |",
      ...Object.entries(eventNames).map(
        ([noun, names]) => `| \`${noun}\` | ${names.map((n) => `\`${n}\``).join(", ")} |`,
      ),
    ],
    limits: [
      "| limit | value | |",
      "| --- | --- | --- |",
      ...Object.entries(limitNotes).map(([name, note]) => `| \`${name}\` | ${limitValue(name)} | ${note} |`),
    ],
    methods: clientServices.flatMap((service) => serviceText(service, context)),
    types: typeTables(types),
    nodes: nodeServices.flatMap((service) => serviceText(service, nodeContext)),
    nodeTypes: typeTables(nodeTypes),
  };
  return Object.fromEntries(Object.entries(parts).map(([name, lines]) => [name, lines.join("\n").trim()]));
}

const retryText: Readonly<Record<(typeof codes)[keyof typeof codes]["retry"], string>> = {
  never: "No: the same request fails again.",
  afterRead: "Not blindly: read the resource, then decide again.",
  backOff: "Yes, after `retryAfterMs` when the error has one; else not by a program.",
  always: "Yes: it was not executed.",
  sameRequestId: "Yes, with the same request id: it may have been executed.",
};

const limitValue = (name: string): string =>
  String(allLimits.find((limit) => limit.name === name)?.value ?? "gone");

/** Every field that a note may be about. */
export function noteTargets(): ReadonlySet<string> {
  const of = (path: string, schema: TSchema) =>
    Object.keys(schema.properties ?? {}).map((name) => `${path}.${name}`);
  const methods = [...clientServices, ...nodeServices].flatMap((service) =>
    Object.entries<Method>(service.methods).flatMap(([name, { request, answer }]) => [
      ...of(`${service.noun}.${name}`, request),
      ...of(`${service.noun}.${name}.answer`, answer),
    ]),
  );
  const objects = Object.entries({ ...types, ...nodeTypes }).flatMap(([name, schema]) => of(name, schema));
  return new Set([...methods, ...objects]);
}
