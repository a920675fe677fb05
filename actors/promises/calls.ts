/**
 * The calls as clients saw them: each request paired with its end, and which instances and operations its
 * answer promises.
 */
import { aggregateService } from "../../protocol/aggregate.ts";
import { flavorService } from "../../protocol/flavor.ts";
import { doctorService, hostService } from "../../protocol/host.ts";
import { imageService } from "../../protocol/image.ts";
import { instanceService } from "../../protocol/instance.ts";
import { quotaService } from "../../protocol/quota.ts";
import { serverGroupService } from "../../protocol/server-group.ts";
import type { Service } from "../../protocol/wire/service.ts";
import type { Completed, Fact, Invoked } from "./facts.ts";

const services: readonly Service[] = [
  ...[instanceService, flavorService, imageService, hostService, doctorService],
  ...[serverGroupService, quotaService, aggregateService],
];

const mutating: ReadonlySet<string> = new Set(
  services.flatMap(({ noun, methods }) =>
    Object.entries(methods).flatMap(([name, { mutates }]) => (mutates ? [`${noun}.${name}`] : [])),
  ),
);

/** What is sent of an image is known by its place in the upload: nobody remembers who asked. */
const ofUploads: ReadonlySet<string> = new Set(["image.upload", "image.write", "image.complete"]);

/** Whether the method changes records, and so is remembered by its request id. */
export const isMutating = ({ method, mutates }: Invoked): boolean =>
  mutates ?? (mutating.has(method) && !ofUploads.has(method));

export interface Call {
  readonly invoked: Invoked;
  readonly completed: Completed;
}

export interface Calls {
  /** The whole call, if this fact ends it. */
  endOf(fact: Fact): Call | undefined;
  /** Calls that have begun and not ended. */
  open(): Iterable<Invoked>;
}

export function createCalls(): Calls {
  const open = new Map<number, Invoked>();
  return {
    endOf(fact) {
      if (fact.kind === "invoked") open.set(fact.call, fact);
      if (fact.kind !== "completed") return undefined;
      const invoked = open.get(fact.call);
      open.delete(fact.call);
      return invoked && { invoked, completed: fact };
    },
    open: () => open.values(),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** An instance and its operation that an answer promises. */
export interface Promised {
  readonly instanceId: string;
  readonly generation: number;
  readonly operationId: string;
}

/** All instances and operations that the answer of a mutating method promises. */
export function promisedBy(answer: Fields): readonly Promised[] {
  const all = Array.isArray(answer.all) ? answer.all : [answer];
  return all.map(fieldsOf).flatMap((one) => {
    const { id, generation } = fieldsOf(one.instance);
    if (typeof id !== "string") return [];
    const counted = typeof generation === "number" ? generation : 0;
    return [{ instanceId: id, generation: counted, operationId: textOf(fieldsOf(one.operation).id) }];
  });
}
