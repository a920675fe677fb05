/**
 * Images: verified on arrival by the image files, kept under their checksum, listed by everybody. The row
 * decides whether an image exists; its files are held before the row is written, and removed after the row.
 */
import { filesOf, type Image, type imageService } from "../../../protocol/image.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { CallContext, Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";
import { nextMarker } from "../request/page.ts";
import { propertiesOf } from "./image-properties.ts";
import { removeFiles, settleRegistration } from "./image-removal.ts";
import { catalogLimits } from "./limits.ts";

export interface ImageOptions extends CatalogOptions {
  readonly files: ImageFiles;
  readonly log: Log;
}

type Registration = RequestOf<(typeof imageService)["methods"]["register"]>;

export function imageHandlers(options: ImageOptions): Handlers<typeof imageService> {
  const { store } = options;
  const find = async (key: string): Promise<ImageRecord> => {
    const image = await store.getImage(key);
    if (image === undefined) throw new StatusError("imageNotFound", `There is no image ${key}.`);
    return image;
  };
  return {
    // Files are big and may be gone by now: a repetition is recognised before they are read again.
    register: (request, context) =>
      unlessAnswered("image.register", { request, context, options }, () =>
        register(request, context, options),
      ),
    list: async (request) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const images = await store.listImages({ ...request, limit });
      return { images: [...images], ...nextMarker(images, limit) };
    },
    get: async (_request, context) => ({ image: await find(context.id) }),
    delete: async (request, context) => {
      const cause = { request, context, options };
      return unlessAnswered("image.delete", cause, async () => {
        const image = await find(context.id);
        const about = { noun: "image", id: image.id, event: "deleted", body: { name: image.name } };
        const commit = catalogCommit("image.delete", about, cause);
        const answer = await commitOnce({ imagesRemoved: [image.id], ...commit }, { image }, options);
        await removeFiles(filesOf(image), options);
        return answer;
      });
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
  if ((await options.store.getImage(request.name)) !== undefined) {
    throw new StatusError("nameTaken", `There is an image ${request.name} already.`);
  }
  const image = await withFiles(newImage(request, options), request, options);
  const about = { noun: "image", id: image.id, event: "registered", body: { name: image.name } };
  const commit = catalogCommit("image.register", about, { request, context, options });
  try {
    const answer = await commitOnce({ images: [image], ...commit }, { image }, options);
    await settleRegistration(image.id, options);
    return answer;
  } catch (thrown) {
    // The row may be written all the same: then its files must stay, and the sweeper finds out.
    if (!mayBeCommitted(thrown)) await settleRegistration(image.id, options);
    throw thrown;
  }
}

const mayBeCommitted = (thrown: unknown): boolean =>
  !(thrown instanceof StatusError) || thrown.code === "UNAVAILABLE" || thrown.code === "INTERNAL";

/** The image before its files are taken, which takes long. @throws schemaMismatch */
function newImage(request: Registration, { ids, clock }: ImageOptions): Image {
  return {
    id: ids.next(),
    name: request.name,
    disk: null,
    kernel: null,
    ramdisk: null,
    commandLine: request.commandLine ?? "",
    properties: propertiesOf(request.properties),
    createdAtMs: clock.nowMs(),
  };
}

/**
 * The image with its files, which are held for it. @throws the errors of ImageFiles, deadlinePast; then
 * nothing is held
 */
async function withFiles(image: Image, request: Registration, options: ImageOptions): Promise<Image> {
  const { files, clock } = options;
  const { disk, kernel, ramdisk } = request;
  const beganAtMs = clock.monotonicMs();
  try {
    const complete = {
      ...image,
      disk: disk === undefined ? null : await files.register(disk, image.id),
      kernel: kernel === undefined ? null : await files.registerPlain(kernel, image.id),
      ramdisk: ramdisk === undefined ? null : await files.registerPlain(ramdisk, image.id),
    };
    // After this time a sweeper may take the held files for those of a registration that died.
    if (clock.monotonicMs() - beganAtMs <= catalogLimits.imageRegistrationMsMax) return complete;
    throw new StatusError("deadlinePast", "Taking the files took too long: the image was not made.");
  } catch (thrown) {
    await settleRegistration(image.id, options);
    throw thrown;
  }
}
