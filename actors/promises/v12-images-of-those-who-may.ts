/**
 * V12: an instance is only ever made of an image that is active and that its project may use in that commit;
 * a project is shown only images that it may name, and lists only those that it lists; and nobody changes an
 * image but its owner and the operators, or what a member says but the member.
 */
import { image, imageMember } from "../../protocol/image.ts";
import { rootGibOf } from "../../protocol/local-disks.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { type Call, createCalls, fieldsOf, textOf } from "./calls.ts";
import type { Checker, Committed } from "./facts.ts";
import { createImageLedger, type ImageLedger } from "./images.ts";
import { isCommitted } from "./ledger.ts";
import { changedId } from "./row-written.ts";

export function imagesOfThoseWhoMay(): Checker {
  const calls = createCalls();
  const images = createImageLedger();
  return {
    promise: "V12",
    see(fact) {
      if (isCommitted(fact)) {
        const broken = [...made(images, fact), ...changed(images, fact)];
        images.apply(fact.commit, fact.atMs);
        return broken;
      }
      const call = calls.endOf(fact);
      return call?.completed.outcome === "ok" ? shown(images, call) : [];
    },
  };
}

function made(images: ImageLedger, { commit }: Committed): readonly string[] {
  return (commit.instances ?? []).flatMap(({ expectedVersion, row }) => {
    if (expectedVersion !== 0) return [];
    const its = images.row(row.image.id);
    const what = `Instance ${row.id} of ${row.project} was made of the image ${row.image.id}, which`;
    if (its === undefined) return [`${what} is not there.`];
    const { memoryMibMin, diskGibMin } = its.properties;
    return [
      ...(images.sees(row.project, its.id, "named") ? [] : [`${what} it may not use.`]),
      ...(its.state === "active" ? [] : [`${what} is ${its.state}.`]),
      ...(row.flavor.memoryMib < memoryMibMin ||
      (row.image.disk !== null && rootGibOf(row.flavor) < diskGibMin)
        ? [`${what} needs more than it has.`]
        : []),
    ];
  });
}

/** Commits without a request are the controllers' own. */
function changed(images: ImageLedger, { commit: { request, rows = [] } }: Committed): readonly string[] {
  const project = request?.project ?? adminProject;
  if (project === adminProject) return [];
  return rows.flatMap((change) => {
    const { noun } = change.resource;
    const id = changedId(change);
    if (noun === image.noun) {
      const owner = images.row(id)?.project;
      return owner === undefined || owner === project
        ? []
        : [`${project} changed the image ${id} of ${owner}.`];
    }
    const member = images.member(id);
    if (noun !== imageMember.noun || member === undefined) return [];
    const may = "removed" in change ? images.row(member.imageId)?.project : member.name;
    return may === project
      ? []
      : [`${project} changed what ${member.name} says to the image ${member.imageId}.`];
  });
}

/** From outside no commit is seen, and no image is known. */
function shown(images: ImageLedger, { invoked, completed }: Call): readonly string[] {
  const { method, project, client, request, atMs } = invoked;
  if (method !== "image.list" && method !== "image.get") return [];
  const { image: one, images: many } = completed.answer ?? {};
  const usual = method === "image.list" && request.memberStatus === undefined;
  const how = usual && request.visibility !== "community" ? "listed" : "named";
  const ids = (Array.isArray(many) ? many : [one]).map((thing) => textOf(fieldsOf(thing).id));
  return ids.flatMap((id) => {
    if (images.row(id) === undefined || images.sees(project, id, how, atMs)) return [];
    return [`${client} of ${project} was shown the image ${id} by ${method}, and may not see it.`];
  });
}
