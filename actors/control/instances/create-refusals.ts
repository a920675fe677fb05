/** With what creates are refused, and what is a refusal at all. It decides nothing else. */
import { fullSentence, type Space } from "../../../protocol/space.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { CommitResult, RequestRecord } from "../../records/commit.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import { requestIdReused } from "../../runtime/resident.ts";
import { unknown } from "./catalog-cache.ts";
import type { CreateAnswer } from "./create.ts";
import { networkPartGone } from "./interfaces.ts";
import { groupNotFound } from "./placement-request-check.ts";
import type { Plan } from "./plan.ts";

/** True for a refusal: no failure of novact, and not possibly committed all the same. */
export const isRefusal = (thrown: unknown): thrown is StatusError =>
  thrown instanceof StatusError &&
  thrown.code !== "UNAVAILABLE" &&
  thrown.code !== "INTERNAL" &&
  thrown.code !== "DEADLINE_EXCEEDED";

/**
 * New instances are refused before the database's last byte is gone: renewals, reports, stops and deletes
 * still have to be written. @throws diskFull
 */
export function refuseWhenFull(full: Space | undefined): void {
  if (full !== undefined)
    throw new StatusError("diskFull", `No new instance is made now: ${fullSentence(full)}.`);
}

/** The error for the row that the commit found missing, though this create had read it. */
export function notThere(
  { noun, id, because }: Extract<CommitResult, { kind: "missing" }>,
  { question, entries: { image, flavor } }: Pick<Plan, "question" | "entries">,
): StatusError {
  if (because === "inactive")
    return new StatusError("imageNotActive", `No instance can be made of the image ${image.name} now.`);
  if (because === "needsMore")
    return new StatusError(
      "flavorTooSmall",
      `The image ${image.name} needs more than ${flavor.name} has by now.`,
    );
  if (because === "changed")
    return new StatusError("generationConflict", `The image ${image.name} was changed at the same time.`);
  if (noun === "flavor" || noun === "image") return unknown(noun, question);
  return networkPartGone(noun, id) ?? groupNotFound(question.serverGroup ?? "");
}

/** A volume has changed between the read of its row and the commit. */
export function overtaken({ volumes }: Pick<Plan, "volumes">): StatusError {
  const names = volumes.flatMap((one) => (one.kind === "there" ? one.row.name : []));
  const message = `Somebody was faster with a volume of these: ${names.join(", ")}.`;
  return new StatusError("inUse", message);
}

export function sameAnswer(known: RequestRecord, request: RequestFacts): CreateAnswer {
  if (known.contentHash !== request.contentHash) throw requestIdReused(request.requestId);
  return known.answer as CreateAnswer;
}
