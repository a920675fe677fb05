/**
 * How the bytes of images travel: what clients say of an upload, the tickets that they get, and what
 * controllers say to the one that has the bytes. The bytes themselves go by HTTP (nodes/image-server), but
 * for small uploads. Who may have a ticket is decided by the image's row.
 */
import { type Static, Type } from "@sinclair/typebox";
import { diskFormats } from "./kinds.ts";
import { fieldLimits } from "./limits/fields.ts";
import { imageLimits } from "./limits/image.ts";
import { answer, Count, Id, literals, request, Sha256, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** What a disk may be when it is sent: those of other hypervisors are converted to qcow2. */
export const uploadFormats = [...diskFormats, "vmdk", "vhdx", "vdi"] as const;
export const packings = ["gzip", "xz", "zstd"] as const;
/** The files that an image may have. */
export const imageParts = ["disk", "kernel", "ramdisk"] as const;

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, description: `${length} lower-case hex digits` });

/** Of the bytes of a disk, as they are kept. */
export const Checksums = answer({ sha256: Sha256, sha512: hex(128), md5: hex(32) });

/** A stable reason, and a sentence for people. */
export const Refusal = answer({
  reason: Type.String({ maxLength: 64 }),
  message: Type.String({ maxLength: fieldLimits.reasonLengthMax }),
});
export type Refusal = Static<typeof Refusal>;

export const uploadRequest = {
  /** Of the file as it is sent. The project's quota has to have room for it. */
  sizeBytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
};

export const writeRequest = {
  /** Where the bytes belong: the next offset, or before it. */
  offset: Count,
  data: Type.String({
    pattern: "^[A-Za-z0-9+/]*={0,2}$",
    maxLength: imageLimits.imageChunkLengthMax,
    description: `up to ${imageLimits.imageChunkBytesMax} bytes, in base64`,
  }),
};

export const sealRequest = {
  /** Of the disk, when it is unpacked. It is never guessed. */
  format: literals(uploadFormats),
  /** Absent: it is not packed. */
  packing: Type.Optional(literals(packings)),
  /** What was sent, to be compared; absent: it is not. */
  sizeBytes: Type.Optional(Count),
  sha256: Type.Optional(Sha256),
  sha512: Type.Optional(hex(128)),
  md5: Type.Optional(hex(32)),
};

export const ImageTicket = answer({
  /** What it opens, whole. */
  url: Type.String(),
  /** For the header `Authorization: Bearer`. It is a secret, and of little use when it is old. */
  ticket: Type.String(),
  /** A transfer that has begun by then goes on. */
  expiresAtMs: TimeMs,
});
export type ImageTicket = Static<typeof ImageTicket>;

export const ImageUpload = answer({
  ...ImageTicket.properties,
  uploadId: Id,
  /** Where the next byte belongs: all before it are there. */
  nextOffset: Count,
  /** Bytes of one `write`. */
  chunkBytesMax: Count,
});
export type ImageUpload = Static<typeof ImageUpload>;

const of = { imageId: Id };
const done = answer({});

/** Requests of a controller to the one that has the bytes; who may was decided by the asking one. */
export const imageHolderService = service({
  noun: "image-holder",
  version: "1.0.0",
  summary: "The bytes of images that one controller has.",
  peers: true,
  methods: {
    upload: method({
      request: request({ ...of, ...uploadRequest }),
      answer: answer({ upload: ImageUpload }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Begins an upload here, or finds it as far as it came.",
    }),
    write: method({
      request: request({ ...of, ...writeRequest }),
      answer: answer({ nextOffset: Count }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Adds bytes to an upload.",
    }),
    complete: method({
      request: request({ ...of, ...sealRequest }),
      answer: done,
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Begins to verify what was sent.",
    }),
    fetch: method({
      request: request({ sha256: Sha256, who: Id }),
      answer: answer({ download: ImageTicket }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Issues a ticket for a file that is here.",
    }),
    here: method({
      request: request({}),
      answer: done,
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Says that the controller is there.",
    }),
  },
});
