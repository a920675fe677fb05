/**
 * Hosts that give each other images: what each says of itself in its heartbeats, and how a controller asks
 * one for what opens the way to an image there, for another host that needs it. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { imageLimits } from "./limits/image.ts";
import { answer, Count, Id, lenient, request, Sha256 } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

/**
 * The images that a host gives to other hosts, and the bytes of images that this life of its agent sent and
 * got.
 */
export const ImagePeer = answer({
  /** How the checksums of images that it has begin, those first that were used last; a host may have more. */
  has: lenient(
    Type.String({ pattern: `^[0-9a-f]{${imageLimits.imageToldLength}}$` }),
    imageLimits.imagesToldMax,
  ),
  /** Images that it gives to other hosts now. */
  sending: Count,
  sentBytes: Count,
  fromPeersBytes: Count,
  fromControllersBytes: Count,
  /** Images that came with other bytes than their own. */
  lies: Count,
});
export type ImagePeer = Static<typeof ImagePeer>;

/** What a host says it has of an image with this checksum. */
export const toldOf = (sha256: string): string => sha256.slice(0, imageLimits.imageToldLength);

/** Where an image is given, and what opens the way to it. */
export const imageOrigin = {
  /** Without a slash at its end. */
  url: Type.String({ pattern: "^http://[^\\s/]{1,300}$" }),
  /** For `Authorization: Bearer`. It opens this image on this server, for a while. */
  ticket: Type.String({ pattern: "^[A-Za-z0-9._-]{1,2048}$" }),
};

export const ImageOffer = answer(imageOrigin);
export type ImageOffer = Static<typeof ImageOffer>;

export const imagePeerMethods = {
  imageOffer: method({
    request: request({
      sha256: Sha256,
      /** The host that needs the image: the controller has judged that it does. */
      who: Id,
    }),
    answer: ImageOffer,
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "A ticket for an image of the host's cache, for another host that needs it.",
  }),
} as const;
