/**
 * Images: made, changed and shared by their projects, registered by operators, and listed by whoever may use
 * them. The row decides whether an image exists and who may use it; its files are removed after the row.
 */
import { filesOf, image, type imageService } from "../../../protocol/image.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { RowQuery } from "../../ports/row-reads.ts";
import { unlessAnswered } from "../request/commit-once.ts";
import { findRow } from "../request/rows.ts";
import { answered, shared, shownTo, unshared } from "./image-members.ts";
import { propertiesOf } from "./image-properties.ts";
import { type ImageOptions, register } from "./image-registration.ts";
import { removeFiles } from "./image-removal.ts";
import { type ImageStep, steppedImage } from "./image-states.ts";
import { resourceHandlers } from "./resource-handlers.ts";
import { uploadHandlers } from "./uploads/handlers.ts";

export function imageHandlers(options: ImageOptions): Handlers<typeof imageService> {
  const { rows } = options.store;
  const aliases = options.hypervisorAliases;
  const handlers = resourceHandlers(image, options, {
    join: (images, context, listed) => shownTo(images, { context, listed }, rows),
    query: queryOf,
    assertFree: ({ name, protected: stays }) => {
      if (stays) throw new StatusError("imageProtected", `The image ${name} is protected.`);
    },
    held: "Instances or unmade volumes use the image, maybe those of other projects, or it was protected meanwhile.",
    // Image names need not be unique: it is a member that somebody else has made meanwhile.
    decidedAnew: ["nameTaken"],
  });
  const { create, change, list, get, delete: remove } = handlers;
  const step = (kind: ImageStep["kind"] & ("deactivate" | "reactivate")) =>
    ((request, context) =>
      change(kind, { request, context }, async (before) => {
        return { after: steppedImage(before, { kind }), event: `${kind}d`, body: {} };
      })) satisfies Handlers<typeof imageService>["deactivate"];
  return {
    ...uploadHandlers(options),
    ...{ get, deactivate: step("deactivate"), reactivate: step("reactivate") },
    list: (request, context) => {
      assertMember(request, context);
      return list(request, context);
    },
    // Files are big and may be gone by now: a repetition is recognised before they are read again.
    register: (request, context) =>
      unlessAnswered("image.register", { request, context, options }, () =>
        register(request, context, options),
      ),
    create: (request, context) => {
      assertMayOpen(request, context);
      const { name, visibility = "private", protected: stays = false, properties = {} } = request;
      const bytes = {
        disk: null,
        kernel: null,
        ramdisk: null,
        checksums: null,
        ...withoutBytes,
        commandLine: "",
      };
      const rest = { visibility, protected: stays, properties: propertiesOf(properties, aliases) };
      return create({ name, ...bytes, ...rest, state: "queued" }, { request, context });
    },
    update: (request, context) => {
      assertMayOpen(request, context);
      return change("update", { request, context }, async (before) => {
        assertMayEdit(before, request, context);
        const properties = propertiesOf({ ...before.properties, ...request.properties }, aliases);
        return { after: { ...before, ...request, properties }, body: { ...request } };
      });
    },
    share: (request, context) =>
      change("share", { request, context }, (before) => shared(before, request.project, options)),
    unshare: (request, context) =>
      change("unshare", { request, context }, (before) => unshared(before, request.project, options)),
    accept: (request, context) =>
      change("accept", { request, context }, (of) => answered(of, "accepted", context, rows), findRow),
    reject: (request, context) =>
      change("reject", { request, context }, (of) => answered(of, "rejected", context, rows), findRow),
    delete: async (request, context) => {
      const answer = await remove(request, context);
      await removeFiles(filesOf(answer.image), options);
      return answer;
    },
  };
}

const withoutBytes = { sizeBytes: null, holder: null, refusal: null };

type Listing = Parameters<Handlers<typeof imageService>["list"]>[0];
type Update = Parameters<Handlers<typeof imageService>["update"]>[0];
type ImageRow = RowOf<typeof image>;

/** Images of the community are listed for whoever asks for the community, and left out of other lists. */
function queryOf({ visibility, state, memberStatus }: Listing): Partial<RowQuery> {
  if (visibility === "community" && memberStatus !== undefined)
    throw faulty("memberStatus", "is of images that are shared, and not of those of the community");
  const among =
    memberStatus === undefined ? (visibility === "community" ? "named" : undefined) : [memberStatus];
  const having = { ...(visibility && { visibility: [visibility] }), ...(state && { state: [state] }) };
  return { having, ...(among && { among }) };
}

/** Operators list the images of all projects, whoever they are shared with. @throws schemaMismatch */
function assertMember({ memberStatus }: Listing, { project }: CallContext): void {
  if (memberStatus === undefined || project !== adminProject) return;
  throw faulty("memberStatus", "is of the projects that images are shared with; operators list all images");
}

/**
 * What a public image is called, and what it needs, concerns the whole cell. Its owner may take it back.
 * @throws adminOnly
 */
function assertMayEdit({ name, visibility }: ImageRow, asked: Update, { project }: CallContext): void {
  const { name: another, properties, protected: stays } = asked;
  const edits = another !== undefined || properties !== undefined || stays !== undefined;
  if (!edits || visibility !== "public" || project === adminProject) return;
  const message = `The image ${name} is public: its name, properties and protection are the operators' choice.`;
  throw new StatusError("adminOnly", message);
}

/** @throws adminOnly */
function assertMayOpen({ visibility }: { readonly visibility?: string }, { project }: CallContext): void {
  if (visibility !== "public" || project === adminProject) return;
  throw new StatusError("adminOnly", "Whether an image is public is the operators' choice.");
}
