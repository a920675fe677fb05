/**
 * What controllers ask a host when an image is to be made of the root disk of a guest: that it makes a copy,
 * and sends it to one upload. The host is told both, again and again, and answers how far it is; so neither
 * side has anything to remember of the other. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Refusal } from "./image-bytes.ts";
import { imagePeerMethods } from "./image-peer.ts";
import { answer, Count, Id, literals, nullable, request, Sha256 } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

/**
 * `waiting`: for a copy that is before it; `copying`; `ready`: whole, and not on its way; `sending`;
 * `failed`: nothing is left of it.
 */
const copyStates = ["waiting", "copying", "ready", "sending", "failed"] as const;

export const DiskCopy = answer({
  state: literals(copyStates),
  /** Of the disk, while it is copied; 0 of 0: not known yet. */
  doneBytes: Count,
  totalBytes: Count,
  /** Of the whole copy. Absent: it is not whole. */
  sizeBytes: Type.Optional(Count),
  sha256: Type.Optional(Sha256),
  /** Why it failed, or why it was last not sent. */
  failure: Type.Optional(Refusal),
});
export type DiskCopy = Static<typeof DiskCopy>;

const entityless = { target: "collection", audience: "admin", mutates: true } as const;

export const hostImageMethods = {
  ...imagePeerMethods,
  copyDisk: method({
    request: request({
      /** The image that the copy is for, and its name. */
      imageId: Id,
      instanceId: Id,
      ownerEpoch: Count,
      /** Checksum of the image below the disk. Null: there is none. */
      base: nullable(Sha256),
      /** Where to send it, once it is whole. Absent: nowhere yet. */
      upload: Type.Optional(request({ url: Type.String(), ticket: Type.String(), nextOffset: Count })),
    }),
    answer: DiskCopy,
    ...entityless,
    summary: "Copies the root disk of a guest of the host, and sends the copy; answers how far it is.",
  }),
  endCopy: method({
    request: request({ imageId: Id }),
    answer: answer({}),
    ...entityless,
    summary: "The copy is not needed any more: whatever there is of it goes.",
  }),
} as const;
