/**
 * Registers images from files of the controller's computer, for operators. Its files are held before the row
 * is written, and let go after it; the row decides whether the image exists.
 */
import { type Image, image, type imageService } from "../../../protocol/image.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import { type CatalogOptions, catalogCommit, commitOnce } from "../request/commit-once.ts";
import { aboutRow, rowMade } from "../request/row-changes.ts";
import { shownRow } from "../request/rows.ts";
import { type HypervisorAliases, propertiesOf } from "./image-properties.ts";
import { settleRegistration } from "./image-removal.ts";
import { catalogLimits } from "./limits.ts";
import type { UploadOptions } from "./uploads/handlers.ts";

export interface ImageOptions extends CatalogOptions, UploadOptions {
  readonly files: ImageFiles;
  readonly hypervisorAliases: HypervisorAliases;
  readonly log: Log;
}

type ImageRow = RowOf<typeof image>;
type Registration = RequestOf<(typeof imageService)["methods"]["register"]>;

/** @throws schemaMismatch, deadlinePast; the errors of ImageFiles and of commits */
export async function register(
  request: Registration,
  context: CallContext,
  options: ImageOptions,
): Promise<{ image: Image }> {
  if (request.disk === undefined && request.kernel === undefined) {
    throw new StatusError("schemaMismatch", "An image needs a disk or a kernel.");
  }
  const made = await withFiles(newImage(request, options), request, options);
  const about = aboutRow(image, made, { event: "registered", body: {} });
  const commit = catalogCommit("image.register", about, { request, context, options });
  try {
    const shown = { image: { ...shownRow<typeof image>(made), members: [] } };
    const answer = await commitOnce({ rows: [rowMade(image, made)], ...commit }, shown, {
      ...options,
      resource: image,
    });
    await settleRegistration(made.id, options);
    return answer;
  } catch (thrown) {
    // The row may be written all the same: then its files must stay, and the sweeper finds out.
    if (!mayBeCommitted(thrown)) await settleRegistration(made.id, options);
    throw thrown;
  }
}

const mayBeCommitted = (thrown: unknown): boolean =>
  !(thrown instanceof StatusError) || thrown.code === "UNAVAILABLE" || thrown.code === "INTERNAL";

/** The image before its files are taken, which takes long. @throws schemaMismatch */
function newImage(request: Registration, { ids, clock, hypervisorAliases, holders }: ImageOptions): ImageRow {
  const { project, visibility } = request;
  return {
    id: ids.next(),
    project: project ?? adminProject,
    name: request.name,
    disk: null,
    kernel: null,
    ramdisk: null,
    commandLine: request.commandLine ?? "",
    properties: propertiesOf(request.properties ?? {}, hypervisorAliases),
    visibility: visibility ?? (project === undefined ? "public" : "private"),
    ...{ state: "active", protected: false, checksums: null, version: 1 },
    // The files are on this controller's computer: other computers' controllers ask this one.
    ...{ sizeBytes: null, holder: holders?.server ?? null, refusal: null },
    createdAtMs: clock.nowMs(),
  };
}

/**
 * The image with its files, which are held for it. @throws the errors of ImageFiles, deadlinePast; then
 * nothing is held
 */
async function withFiles(empty: ImageRow, request: Registration, options: ImageOptions): Promise<ImageRow> {
  const { files, clock } = options;
  const { disk, kernel, ramdisk } = request;
  const beganAtMs = clock.monotonicMs();
  const booted = kernel === undefined ? { bootedBy: empty.properties.hypervisor ?? null } : {};
  try {
    const complete = {
      ...empty,
      disk: disk === undefined ? null : await files.register({ ...disk, ...booted }, empty.id),
      kernel: kernel === undefined ? null : await files.registerPlain(kernel, empty.id),
      ramdisk: ramdisk === undefined ? null : await files.registerPlain(ramdisk, empty.id),
    };
    // After this time a sweeper may take the held files for those of a registration that died.
    if (clock.monotonicMs() - beganAtMs <= catalogLimits.imageRegistrationMsMax)
      return { ...complete, sizeBytes: sizeOf(complete) };
    throw new StatusError("deadlinePast", "Taking the files took too long: the image was not made.");
  } catch (thrown) {
    await settleRegistration(empty.id, options);
    throw thrown;
  }
}

const sizeOf = ({ disk, kernel, ramdisk }: Pick<ImageRow, "disk" | "kernel" | "ramdisk">): number =>
  [disk, kernel, ramdisk].reduce((sum, file) => sum + (file?.sizeBytes ?? 0), 0);
