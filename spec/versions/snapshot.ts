/**
 * The message schemas of one version, as they were when it was released: protocol/versions/<version>.json.
 * The code of a later version is compared with them (compare.ts), and processes of the simulator play
 * them. A snapshot is written once (write.ts) and never edited.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import type { Method, Service } from "../../protocol/wire/service.ts";

export type MethodShape = Pick<Method, "target" | "audience" | "mutates" | "request" | "answer">;

export interface ServiceShape {
  readonly version: string;
  readonly peers: boolean;
  readonly methods: Readonly<Record<string, MethodShape>>;
}

export type Snapshot = Readonly<Record<string, ServiceShape>>;

const folder = join(import.meta.dirname, "../../protocol/versions");

export function snapshotOf(services: readonly Service[]): Snapshot {
  return Object.fromEntries(
    services.map(({ noun, version, peers, methods }) => {
      const shapes = Object.entries<Method>(methods).map(
        ([name, { target, audience, mutates, request, answer }]): [string, MethodShape] => [
          name,
          { target, audience, mutates, request, answer },
        ],
      );
      return [noun, { version, peers: peers === true, methods: Object.fromEntries(shapes) }];
    }),
  );
}

/** Versions of which there is a snapshot, oldest first. */
export function snapshotVersions(): readonly number[] {
  const names = readdirSync(folder).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []);
  return names.map(Number).sort((one, other) => one - other);
}

export const snapshotFile = (version: number): string => join(folder, `${version}.json`);

export function readSnapshot(version: number): Snapshot {
  return parseSnapshot(readFileSync(snapshotFile(version), "utf8"));
}

/** The newest: what processes of the version before the present one know. */
export function previousSnapshot(): Snapshot {
  const version = snapshotVersions().at(-1);
  if (version === undefined) throw new Error("There is no snapshot in protocol/versions.");
  return readSnapshot(version);
}

/** What occurs several times is written once, as JSON Schema does it: `{"$ref": "#/$defs/<name>"}`. */
export function snapshotText(snapshot: Snapshot): string {
  const counts = new Map<string, number>();
  walk(snapshot, (part) => {
    if (isObjectSchema(part)) counts.set(JSON.stringify(part), (counts.get(JSON.stringify(part)) ?? 0) + 1);
  });
  const names = new Map<string, string>();
  const shapes: Record<string, unknown> = {};
  const shorten = (part: unknown, name: string): unknown => {
    if (Array.isArray(part)) return part.map((inner) => shorten(inner, name));
    if (typeof part !== "object" || part === null) return part;
    const text = JSON.stringify(part);
    const known = names.get(text);
    if (known !== undefined) return refTo(known);
    const short = Object.fromEntries(
      Object.entries(part).map(([key, inner]) => [key, shorten(inner, keywords.has(key) ? name : key)]),
    );
    if (!isObjectSchema(part) || (counts.get(text) ?? 0) < 2) return short;
    const own = freeName(name, shapes);
    names.set(text, own);
    shapes[own] = short;
    return refTo(own);
  };
  const services = shorten(snapshot, "services");
  return `${JSON.stringify({ services, $defs: shapes }, null, 1)}\n`;
}

export function parseSnapshot(text: string): Snapshot {
  const { services, $defs } = JSON.parse(text) as { services: Snapshot; $defs: Record<string, unknown> };
  const whole = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(whole);
    if (typeof part !== "object" || part === null) return part;
    if ("$ref" in part) return whole($defs[String(part.$ref).replace("#/$defs/", "")]);
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, whole(inner)]));
  };
  return whole(services) as Snapshot;
}

/** Keys that lead to a schema but are not its name. */
const keywords = new Set(["properties", "patternProperties", "items", "anyOf"]);

const refTo = (name: string) => ({ $ref: `#/$defs/${name}` });

const isObjectSchema = (part: unknown): part is TSchema =>
  typeof part === "object" &&
  part !== null &&
  "type" in part &&
  part.type === "object" &&
  "properties" in part;

function freeName(name: string, taken: object): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}${number}`;
    if (!(candidate in taken)) return candidate;
  }
}

function walk(part: unknown, see: (part: unknown) => void): void {
  if (typeof part !== "object" || part === null) return;
  see(part);
  for (const inner of Object.values(part)) walk(inner, see);
}
