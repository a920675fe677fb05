/** Images: verified on arrival by the image store, kept under their checksum, listed by everybody. */
import type { DiskFormat, Image, ImageDisk, ImageFile, imageService } from "../../../protocol/image.ts";
import { limits } from "../../../protocol/limits/limits.ts";
import type { CallContext, Handlers, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import { answeredBefore, type CatalogOptions, catalogTurn, commitOnce } from "../request/commit-once.ts";
import { nextMarker } from "../request/page.ts";
import { propertiesOf } from "./image-properties.ts";

/** Where image files are kept. @throws unusableImage, checksumMismatch, diskFull */
export interface ImageFiles {
  register(source: FileSource & { readonly format: DiskFormat }): Promise<ImageDisk>;
  registerPlain(source: FileSource): Promise<ImageFile>;
}

export interface FileSource {
  readonly path: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
}

export interface ImageOptions extends CatalogOptions {
  readonly files: ImageFiles;
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
    register: (request, context) => register(request, context, options),
    list: async (request) => {
      const limit = request.limit ?? limits.pageLengthDefault;
      const images = await store.listImages({ ...request, limit });
      return { images: [...images], ...nextMarker(images, limit) };
    },
    get: async (_request, context) => ({ image: await find(context.id) }),
    delete: async (request, context) => {
      const cause = { request, context, options };
      const before = await answeredBefore<{ image: Image }>("image.delete", cause);
      if (before !== undefined) return before;
      const image = await find(context.id);
      const about = { noun: "image", id: image.id, event: "deleted", body: { name: image.name } };
      const turn = catalogTurn("image.delete", about, cause);
      return commitOnce({ imagesRemoved: [image.id], ...turn }, { image }, options);
    },
  };
}

async function register(
  request: Registration,
  context: CallContext,
  options: ImageOptions,
): Promise<{ image: Image }> {
  // Files are big and may be gone by now: a repetition is recognised before they are read again.
  const before = await answeredBefore<{ image: Image }>("image.register", { request, context, options });
  if (before !== undefined) return before;
  if (request.disk === undefined && request.kernel === undefined) {
    throw new StatusError("schemaMismatch", "An image needs a disk or a kernel.");
  }
  if ((await options.store.getImage(request.name)) !== undefined) {
    throw new StatusError("nameTaken", `There is an image ${request.name} already.`);
  }
  const image = await imageOf(request, options);
  const about = { noun: "image", id: image.id, event: "registered", body: { name: image.name } };
  const turn = catalogTurn("image.register", about, { request, context, options });
  return commitOnce({ images: [image], ...turn }, { image }, options);
}

async function imageOf(request: Registration, { files, ids, clock }: ImageOptions): Promise<Image> {
  const { disk, kernel, ramdisk } = request;
  // Before the files, which take long.
  const properties = propertiesOf(request.properties);
  return {
    id: ids.next(),
    name: request.name,
    disk: disk === undefined ? null : await files.register(disk),
    kernel: kernel === undefined ? null : await files.registerPlain(kernel),
    ramdisk: ramdisk === undefined ? null : await files.registerPlain(ramdisk),
    commandLine: request.commandLine ?? "",
    properties,
    createdAtMs: clock.nowMs(),
  };
}
