/** Facts of the image caches of hosts, which only the simulator tells. Types only. */

/** The files of a guest on a host are based on these images of its cache from now on, or are gone. */
export interface ImagesNeeded {
  readonly kind: "imagesNeeded" | "imagesLetGo";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly sha256s: readonly string[];
}

/** A host has an image in its cache from now on, or has it no more. */
export interface ImageCached {
  readonly kind: "imageCached" | "imageEvicted";
  readonly atMs: number;
  readonly hostId: string;
  readonly sha256: string;
}
