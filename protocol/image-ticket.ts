/**
 * What a host asks controllers before it gets the bytes of an image: who has them, and what opens the way to
 * them. It names the instance that it is to run, by which the controllers judge. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { ImagePeer, imageOrigin } from "./image-peer.ts";
import { imageLimits } from "./limits/image.ts";
import { answer, Id, request, Sha256 } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

/** A server that may have an image's bytes, by HTTP. */
const ImageOrigin = answer({
  ...imageOrigin,
  /** The host whose server it is. Absent: a controller's. */
  hostId: Type.Optional(Id),
});

export const ImageTicketAnswer = answer({
  /** The best first. Empty: no controller that was asked serves images. */
  origins: Type.Array(ImageOrigin, { maxItems: imageLimits.imageOriginsMax }),
});
export type ImageTicketAnswer = Static<typeof ImageTicketAnswer>;

/** In a host's heartbeats: the images that the host gives to other hosts. */
export const imagePeerTold = {
  /** Absent: the host gives none, or its agent is of before. */
  imagePeer: Type.Optional(ImagePeer),
};

export const imageTicketMethods = {
  imageTicket: method({
    request: request({
      /** An instance of the host, made of the image. */
      instanceId: Id,
      /** Of the instance's disk, kernel or ramdisk. */
      sha256: Sha256,
      /**
       * The host takes images from other hosts, and waits for its turn where a server gives the image to
       * many. Absent: it does neither.
       */
      peers: Type.Optional(
        answer({
          /** Hosts from which this image came badly a while ago. */
          notFrom: Type.Array(Id, { maxItems: imageLimits.imagePeersShunnedMax }),
        }),
      ),
    }),
    answer: ImageTicketAnswer,
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "Who has an image of one of the host's instances, each with a ticket for it.",
  }),
} as const;
