/**
 * V15: an image that is made of an instance has what was on the instance's root disk at some moment between
 * the request and the end: no mixture, and no other disk. Its operation is done only when the image is there.
 * When all is quiet, nothing is left on any host of a copy for which no operation is under way.
 */
import { image } from "../../protocol/image.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import type { OperationRecord } from "../records/instance.ts";
import type { Checker, Committed, Fact, Quiet } from "./facts.ts";
import type { DiskCopied } from "./image-facts.ts";
import { isCommitted } from "./ledger.ts";
import { changedId, rowAfter } from "./row-written.ts";

/** An image that is being made. */
interface Making {
  readonly instanceId: string;
  /** What was on the disk since the request: each the number of a write. */
  readonly numbers: Set<number>;
  isThere: boolean;
}

interface Known {
  /** By image. */
  readonly makings: Map<string, Making>;
  /** By checksum. */
  readonly copies: Map<string, DiskCopied>;
  /** The last write to each instance's root disk. */
  readonly written: Map<string, number>;
}

export function imagesOfInstances(): Checker {
  const known: Known = { makings: new Map(), copies: new Map(), written: new Map() };
  return { promise: "V15", see: (fact) => faultsOf(known, fact) };
}

function faultsOf(known: Known, fact: Fact): readonly string[] {
  if (fact.kind === "diskWritten") {
    const { instanceId, count } = fact;
    if (count === undefined) return [];
    known.written.set(instanceId, count);
    for (const making of known.makings.values())
      if (making.instanceId === instanceId) making.numbers.add(count);
    return [];
  }
  if (fact.kind === "diskCopied") known.copies.set(fact.sha256, fact);
  if (fact.kind === "quiet") return left(fact);
  return isCommitted(fact) ? committed(known, fact) : [];
}

function committed(known: Known, { commit }: Committed): readonly string[] {
  for (const { noun, event, id, body } of commit.events ?? [])
    if (noun === "image" && event === "created" && typeof body.instanceId === "string") {
      const { instanceId } = body;
      const numbers = new Set([known.written.get(instanceId) ?? 0]);
      known.makings.set(id, { instanceId, numbers, isThere: false });
    }
  if (known.makings.size === 0) return [];
  return [
    ...(commit.rows ?? []).flatMap((change) => {
      const making = known.makings.get(changedId(change));
      if (change.resource.noun !== image.noun || making === undefined) return [];
      return made(known, making, rowAfter(change) as RowOf<typeof image> | undefined);
    }),
    ...(commit.operations ?? []).flatMap((operation) => ended(known, operation)),
  ];
}

function made(known: Known, making: Making, row: RowOf<typeof image> | undefined): readonly string[] {
  if (row === undefined || row.disk === null) return [];
  const { sha256 } = row.disk;
  const { instanceId, number } = known.copies.get(sha256) ?? {};
  making.isThere = true;
  const name = `The image ${row.id} of instance ${making.instanceId}`;
  if (instanceId !== making.instanceId) return [`${name} has the disk of ${instanceId ?? "nobody"}.`];
  if (number !== undefined && making.numbers.has(number)) return [];
  const numbers = [...making.numbers].join(", ");
  return [`${name} has ${number} in it, and on the disk were, one after the other: ${numbers}.`];
}

function ended({ makings }: Known, { kind, entityId, state }: OperationRecord): readonly string[] {
  if (kind !== "imageCreate" || state === "running") return [];
  const making = makings.get(entityId);
  makings.delete(entityId);
  return state === "done" && making?.isThere === false
    ? [`The operation that makes the image ${entityId} is done, and the image is not there.`]
    : [];
}

/** A host forgets by itself what it is not asked for any more. */
export function left({ copies = [], operations }: Pick<Quiet, "copies" | "operations">): readonly string[] {
  const underWay = new Set(
    operations.flatMap(({ kind, entityId, state }) =>
      kind === "imageCreate" && state === "running" ? [entityId] : [],
    ),
  );
  return copies.flatMap(({ hostId, instanceId, imageId, what }) =>
    underWay.has(imageId)
      ? []
      : [
          `Host ${hostId} has a ${what} of the disk of ${instanceId} for the image ${imageId}, which needs none.`,
        ],
  );
}
