/**
 * What a host asks controllers before it gets the bytes of an image: who has them, and what opens the way to
 * them. It names the instance that it is to run, by which the controllers judge. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { imageLimits } from "./limits/image.ts";
import { answer, Id, request, Sha256 } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

/** A server that may have an image's bytes, by HTTP. */
const ImageOrigin = answer({
  /** Without a slash at its end. */
  url: Type.String({ pattern: "^http://[^\\s/]{1,300}$" }),
  /** For `Authorization: Bearer`. It opens this image on this server, for a while. */
  ticket: Type.String({ pattern: "^[A-Za-z0-9._-]{1,2048}$" }),
});

export const ImageTicketAnswer = answer({
  /** The best first. Empty: no controller that was asked serves images. */
  origins: Type.Array(ImageOrigin, { maxItems: imageLimits.imageOriginsMax }),
});
export type ImageTicketAnswer = Static<typeof ImageTicketAnswer>;

export const imageTicketMethods = {
  imageTicket: method({
    request: request({
      /** An instance of the host, made of the image. */
      instanceId: Id,
      /** Of the instance's disk, kernel or ramdisk. */
      sha256: Sha256,
    }),
    answer: ImageTicketAnswer,
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "Who has an image of one of the host's instances, each with a ticket for it.",
  }),
} as const;
