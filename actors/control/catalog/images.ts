/**
 * Images: verified on arrival by the image files, kept under their checksum, listed by everybody. The row
 * decides whether an image exists; its files are held before the row is written, and removed after the row.
 */
import { filesOf, type Image, image, type imageService } from "../../../protocol/image.ts";
import type { CallContext, Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { rowMade } from "../request/row-changes.ts";
import { type HypervisorAliases, propertiesOf } from "./image-properties.ts";
import { removeFiles, settleRegistration } from "./image-removal.ts";
import { catalogLimits } from "./limits.ts";
import { resourceHandlers } from "./resource-handlers.ts";

export interface ImageOptions extends CatalogOptions {
  readonly files: ImageFiles;
  readonly hypervisorAliases: HypervisorAliases;
  readonly log: Log;
}

type Registration = RequestOf<(typeof imageService)["methods"]["register"]>;

export function imageHandlers(options: ImageOptions): Handlers<typeof imageService> {
  const { list, get, delete: remove } = resourceHandlers(image, options);
  return {
    ...{ list, get },
    // Files are big and may be gone by now: a repetition is recognised before they are read again.
    register: (request, context) =>
      unlessAnswered("image.register", { request, context, options }, () =>
        register(request, context, options),
      ),
    delete: async (request, context) => {
      const answer = await remove(request, context);
      await removeFiles(filesOf(answer.image), options);
      return answer;
    },
  };
}

async function register(
  request: Registration,
  context: CallContext,
  options: ImageOptions,
): Promise<{ image: Image }> {
  if (request.disk === undefined && request.kernel === undefined) {
    throw new StatusError("schemaMismatch", "An image needs a disk or a kernel.");
  }
  const made = await withFiles(newImage(request, options), request, options);
  const about = { noun: "image", id: made.id, event: "registered", body: { name: made.name } };
  const commit = catalogCommit("image.register", about, { request, context, options });
  try {
    const rows = [rowMade(image, { ...made, version: 1 })];
    const answer = await commitOnce({ rows, ...commit }, { image: made }, options);
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
function newImage(request: Registration, { ids, clock, hypervisorAliases }: ImageOptions): Image {
  return {
    id: ids.next(),
    name: request.name,
    disk: null,
    kernel: null,
    ramdisk: null,
    commandLine: request.commandLine ?? "",
    properties: propertiesOf(request.properties ?? {}, hypervisorAliases),
    createdAtMs: clock.nowMs(),
  };
}

/**
 * The image with its files, which are held for it. @throws the errors of ImageFiles, deadlinePast; then
 * nothing is held
 */
async function withFiles(empty: Image, request: Registration, options: ImageOptions): Promise<Image> {
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
    if (clock.monotonicMs() - beganAtMs <= catalogLimits.imageRegistrationMsMax) return complete;
    throw new StatusError("deadlinePast", "Taking the files took too long: the image was not made.");
  } catch (thrown) {
    await settleRegistration(empty.id, options);
    throw thrown;
  }
}
