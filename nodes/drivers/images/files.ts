/** The port ImageFiles over the image store's directory: the files of images, as controllers see them. */
import type { ImageFiles } from "../../../actors/ports/image-files.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { listFiles, releaseFiles, removeUnnamed } from "./removal.ts";
import { ImageStore, type ImageStoreOptions } from "./store.ts";

export function createImageFiles(options: ImageStoreOptions): ImageFiles {
  const store = new ImageStore(options);
  return {
    register: async (source, heldFor) => {
      const registered = await store.registerFile({ ...source, heldFor });
      const { sha256, sizeBytes, virtualSizeBytes } = registered;
      if (virtualSizeBytes === undefined)
        throw new StatusError("unusableImage", "The image has no virtual size.");
      return { sha256, sizeBytes, format: source.format, virtualSizeBytes };
    },
    registerPlain: async (source, heldFor) => {
      const { sha256, sizeBytes } = await store.registerFile({ ...source, heldFor });
      return { sha256, sizeBytes };
    },
    release: async (imageId) => releaseFiles(await store.open(), imageId),
    list: async () => listFiles(await store.open()),
    removeUnnamed: async (sha256s, named) => removeUnnamed(await store.open(), sha256s, named),
    removeHalfCopies: () => store.removeHalfCopies(),
  };
}
