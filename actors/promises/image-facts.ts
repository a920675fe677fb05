/** Facts of images: of hosts' caches, which only the simulator tells, and of their bytes. Types only. */
import type { ImageState } from "../../protocol/image.ts";

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

/** A controller keeps bytes from now on; `digest`: their own SHA-256, `sha256`: what they are kept under. */
export interface ImageStored {
  readonly kind: "imageStored";
  readonly atMs: number;
  /** Name of the controller in rows of images. */
  readonly by: string;
  readonly sha256: string;
  readonly digest: string;
}

/** A client or a host has got all bytes of what has this SHA-256; `digest`: that of what came. */
export interface ImageServed {
  readonly kind: "imageServed";
  readonly atMs: number;
  readonly to: string;
  readonly sha256: string;
  readonly digest: string;
  /** Number of the bytes that came from other hosts. Absent: 0. */
  readonly fromHostsBytes?: number;
}

/** An image was refused whose bytes were sent as they were named, or could not be sent or fetched. */
export interface ImageRefused {
  readonly kind: "imageRefused";
  readonly atMs: number;
  readonly imageId: string;
  readonly reason: string;
}

/** Bytes of an upload that came by its ticket were acknowledged: all before `nextOffset` are there. */
export interface BytesTaken {
  readonly kind: "bytesTaken";
  readonly atMs: number;
  readonly imageId: string;
  readonly nextOffset: number;
  readonly askedAtMs: number;
}

/** A controller has lost what was sent to it and is not kept yet. */
export interface PartsLost {
  readonly kind: "partsLost";
  readonly atMs: number;
  readonly by: string;
}

/** A host has a copy of a root disk, with this checksum; `number`: that of the last write that is in it. */
export interface DiskCopied {
  readonly kind: "diskCopied";
  readonly atMs: number;
  readonly hostId: string;
  readonly imageId: string;
  readonly instanceId: string;
  readonly sha256: string;
  /** Negative: it is of different moments. */
  readonly number: number;
}

/**
 * What there is of copies of root disks, when all is quiet. `job`: the guest's process goes on with a copy.
 */
export type CopiesAtRest = readonly {
  readonly hostId: string;
  readonly instanceId: string;
  readonly imageId: string;
  readonly what: "part" | "copy" | "job";
}[];

/** Images and parts of uploads, when all is quiet. */
export interface UploadsAtRest {
  readonly images: readonly {
    readonly id: string;
    readonly state: ImageState;
    readonly holder: string | null;
  }[];
  /** What controllers have of uploads. */
  readonly parts: readonly { readonly by: string; readonly imageId: string; readonly sizeBytes: number }[];
}

export type ImageFact =
  | ImagesNeeded
  | ImageCached
  | ImageStored
  | ImageServed
  | ImageRefused
  | BytesTaken
  | DiskCopied
  | PartsLost;
