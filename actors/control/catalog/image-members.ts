/**
 * The projects that an image is shared with: what its owner does, what they answer, and who is told. A change
 * of members by the owner is a change of the image's row as well, so that two of them never pass the limit
 * together.
 */
import { type Image, image, imageMember } from "../../../protocol/image.ts";
import { imageLimits } from "../../../protocol/limits/image.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import type { RowChange } from "../../records/rows.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { rowChanged, rowMade, rowRemoved } from "../request/row-changes.ts";
import { referringTo, shownRow } from "../request/rows.ts";

type ImageRow = RowOf<typeof image>;
type Member = RowOf<typeof imageMember>;
type Options = Pick<CatalogOptions, "store" | "ids" | "clock">;
type Status = Member["status"];

const shownMembers = (members: readonly Member[]): NonNullable<Image["members"]> =>
  members.map(({ name: project, status }) => ({ project, status }));

const membersOf = (ids: readonly string[], rows: RowReads) =>
  referringTo(imageMember, { imageId: ids }, rows);

const isOwner = (of: ImageRow, project: string): boolean =>
  project === of.project || project === adminProject;

/**
 * Its members are shown to the owner of one image, and to each project what it said itself. An image of
 * another project that is shared no more, as it was when it was read, is left out.
 */
export async function shownTo(
  images: readonly ImageRow[],
  { context: { project }, listed }: { readonly context: CallContext; readonly listed: boolean },
  rows: RowReads,
): Promise<readonly Image[]> {
  const own = listed ? [] : images.filter((one) => isOwner(one, project));
  const others = images.filter((one) => one.visibility === "shared" && !isOwner(one, project));
  const ids = others.map(({ id }) => id);
  const [members, answers] = await Promise.all([
    membersOf(
      own.map(({ id }) => id),
      rows,
    ),
    referringTo(imageMember, { imageId: ids, name: ids.length === 0 ? [] : [project] }, rows),
  ]);
  return images.flatMap((one) => {
    const shown = shownRow<typeof image>(one);
    const its = members.filter(({ imageId }) => imageId === one.id);
    const said = answers.find(({ imageId }) => imageId === one.id);
    if (said === undefined && others.includes(one)) return [];
    return [
      {
        ...shown,
        ...(own.includes(one) ? { members: shownMembers(its) } : {}),
        ...(said === undefined ? {} : { memberStatus: said.status }),
      },
    ];
  });
}

/** @throws schemaMismatch, imageNotShared, imageMembersFull */
export async function shared(before: ImageRow, project: string, { store, ids, clock }: Options) {
  if (project === before.project) throw faulty("project", "has the image");
  if (before.visibility === "public" || before.visibility === "community") {
    const message = `The image ${before.name} is ${before.visibility}: everybody may use it already.`;
    throw new StatusError("imageNotShared", message);
  }
  const members = await membersOf([before.id], store.rows);
  if (members.some(({ name }) => name === project))
    return changeOf(before, { members, event: "shared", project });
  if (members.length >= imageLimits.membersPerImageMax) {
    const message = `The image ${before.name} is shared with ${members.length} projects, as many as may be.`;
    throw new StatusError("imageMembersFull", message);
  }
  const made: Member = {
    ...{ id: ids.next(), name: project, imageId: before.id, status: "pending" },
    ...{ createdAtMs: clock.nowMs(), version: 1 },
  };
  const rows = [rowMade(imageMember, made)];
  return changeOf(before, { members: [...members, made], rows, event: "shared", project });
}

/** @throws imageNotShared */
export async function unshared(before: ImageRow, project: string, { store }: Options) {
  const members = await membersOf([before.id], store.rows);
  const gone = members.find(({ name }) => name === project);
  if (gone === undefined)
    throw new StatusError("imageNotShared", `The image ${before.name} is not shared with ${project}.`);
  const stay = members.filter((one) => one !== gone);
  const rows = [rowRemoved(imageMember, gone)];
  return changeOf(before, { members: stay, rows, event: "unshared", project });
}

interface Changed {
  readonly members: readonly Member[];
  readonly rows?: readonly RowChange[];
  readonly event: "shared" | "unshared";
  readonly project: string;
}

function changeOf(before: ImageRow, { members, rows = [], event, project }: Changed) {
  const after: ImageRow = event === "shared" ? { ...before, visibility: "shared" } : before;
  const shown: Image = { ...shownRow<typeof image>(after), members: shownMembers(members) };
  return { commit: { rows: [...rows, rowChanged(image, after)] }, shown, event, body: { project } };
}

/** What a project says to an image that is shared with it. @throws imageNotShared */
export async function answered(
  of: ImageRow,
  status: Status & ("accepted" | "rejected"),
  { project }: CallContext,
  rows: RowReads,
) {
  const [own] = await referringTo(imageMember, { imageId: [of.id], name: [project] }, rows);
  if (own === undefined || of.visibility !== "shared")
    throw new StatusError("imageNotShared", `The image ${of.name} is not shared with ${project}.`);
  const shown: Image = { ...shownRow<typeof image>(of), memberStatus: status };
  const commit = { rows: [rowChanged(imageMember, { ...own, status })] };
  return { commit, shown, event: status, body: { project } };
}
