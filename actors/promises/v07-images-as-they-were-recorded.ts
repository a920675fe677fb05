/**
 * V7: an image is served only with the bytes whose checksum its row has had since they were kept, and which
 * is the one that its owner has named. What was sent and acknowledged stays, also when it is refused, for
 * whoever goes on; and when all is quiet no image is being verified, and none waits for what is not there.
 */
import { image } from "../../protocol/image.ts";
import type { RowOf } from "../../protocol/wire/resource.ts";
import { type Call, createCalls, fieldsOf } from "./calls.ts";
import type { Checker, Committed, Fact, Invoked } from "./facts.ts";
import type { UploadsAtRest } from "./image-facts.ts";
import { isCommitted } from "./ledger.ts";
import { changedId, rowAfter } from "./row-written.ts";

/** What was sent of an image. */
interface Sent {
  readonly holder: string | null;
  /** All before it was acknowledged. */
  nextOffset: number;
  /** When what had been acknowledged was given up or lost. */
  lostAtMs: number;
}

interface Known {
  readonly images: Map<string, Sent>;
  /** By call: what had been acknowledged when it was made. */
  readonly floors: Map<number, number>;
  /** Checksums that were named for an image; undefined: once none was. */
  readonly named: Map<string, Set<string> | undefined>;
  /** Own checksums of what was kept. */
  readonly stored: Set<string>;
}

export function imagesAsTheyWereRecorded(): Checker {
  const calls = createCalls();
  const known: Known = { images: new Map(), floors: new Map(), named: new Map(), stored: new Set() };
  return {
    promise: "V7",
    see(fact) {
      if (fact.kind === "invoked") begin(known, fact);
      const call = calls.endOf(fact);
      if (call !== undefined) return acknowledged(known, call);
      if (isCommitted(fact)) return committed(known, fact);
      if (fact.kind !== "quiet") return bytes(known, fact);
      return fact.uploads === undefined ? [] : unfitUploads(fact.uploads);
    },
  };
}

function begin({ images, floors, named }: Known, { method, call, id, request }: Invoked): void {
  if (isSending(method)) floors.set(call, images.get(id)?.nextOffset ?? 0);
  if (method !== "image.complete") return;
  const { sha256, packing } = request;
  const before = named.has(id) ? named.get(id) : new Set<string>();
  named.set(id, typeof sha256 === "string" && packing === undefined ? before?.add(sha256) : undefined);
}

const isSending = (method: string): boolean => method === "image.upload" || method === "image.write";

function acknowledged({ images, floors }: Known, { invoked, completed }: Call): readonly string[] {
  const { method, id, call, atMs } = invoked;
  const floor = floors.get(call) ?? 0;
  floors.delete(call);
  if (!isSending(method) || completed.outcome !== "ok") return [];
  const { answer = {} } = completed;
  const { nextOffset } = method === "image.write" ? answer : fieldsOf(answer.upload);
  const sent = images.get(id);
  if (sent === undefined || typeof nextOffset !== "number" || sent.lostAtMs >= atMs) return [];
  sent.nextOffset = Math.max(sent.nextOffset, nextOffset);
  if (nextOffset >= floor) return [];
  return [`${floor} bytes of the image ${id} were acknowledged, and then it went on at ${nextOffset}.`];
}

function committed({ images, named, stored }: Known, { commit, atMs }: Committed): readonly string[] {
  return (commit.rows ?? []).flatMap((change) => {
    if (change.resource.noun !== image.noun) return [];
    const [id, row] = [changedId(change), rowAfter(change) as RowOf<typeof image> | undefined];
    if (row === undefined) {
      if ("removed" in change) images.delete(id);
      return [];
    }
    const before = images.get(id);
    const goesOn = before !== undefined && before.holder === row.holder;
    if (!goesOn) images.set(id, { holder: row.holder, nextOffset: 0, lostAtMs: atMs });
    // An image that an operator registered was sent by nobody.
    if (row.disk === null || row.checksums === null) return [];
    const { sha256 } = row.disk;
    const said = named.get(id);
    return [
      ...(stored.has(sha256) ? [] : [`The image ${id} says ${sha256}, and no such bytes were kept.`]),
      ...(said === undefined || said.has(sha256)
        ? []
        : [`The image ${id} says ${sha256}, and was said to be ${[...said].join(" or ")}.`]),
    ];
  });
}

function bytes({ images, stored }: Known, fact: Fact): readonly string[] {
  if (fact.kind === "bytesTaken") {
    const sent = images.get(fact.imageId);
    if (sent !== undefined && sent.lostAtMs < fact.askedAtMs)
      sent.nextOffset = Math.max(sent.nextOffset, fact.nextOffset);
  }
  if (fact.kind === "partsLost")
    for (const sent of images.values())
      if (sent.holder === fact.by) Object.assign(sent, { nextOffset: 0, lostAtMs: fact.atMs });
  if (fact.kind === "imageStored") {
    stored.add(fact.digest);
    if (fact.sha256 === fact.digest) return [];
    return [`${fact.by} keeps bytes with the checksum ${fact.digest} under ${fact.sha256}.`];
  }
  if (fact.kind === "imageRefused" && ofOtherBytes.includes(fact.reason))
    return [`The image ${fact.imageId} was sent as it was named, and refused: ${fact.reason}.`];
  if (fact.kind !== "imageServed" || fact.sha256 === fact.digest) return [];
  return [`${fact.to} asked for ${fact.sha256}, and got bytes with the checksum ${fact.digest}.`];
}

/** Refusals of what is not what was sent. */
const ofOtherBytes = ["checksumMismatch", "unusableImage", "uploadTooLarge"];

/** What a quiet point must not have; a controller puts some of it right at its next look. */
export function unfitUploads({ images, parts }: UploadsAtRest): readonly string[] {
  const rows = new Map(images.map((one) => [one.id, one]));
  const isThere = (id: string, holder: string | null) =>
    parts.some(({ by, imageId }) => by === holder && imageId === id);
  return [
    ...images.flatMap(({ id, state, holder }) => {
      if (state === "importing") return [`The image ${id} is being verified, and stays so.`];
      const waits = state === "saving" || (state === "queued" && holder !== null);
      if (!waits || isThere(id, holder)) return [];
      return [`The image ${id} is ${state}, and ${holder ?? "nobody"} has nothing of it.`];
    }),
    ...parts.flatMap(({ by, imageId }) => {
      const { state, holder } = rows.get(imageId) ?? {};
      if (holder === by && state !== "active" && state !== "deactivated") return [];
      return [`${by} has a part of the image ${imageId}, which needs none.`];
    }),
  ];
}
