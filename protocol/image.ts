/**
 * Images: what guests boot from. An image is a disk (qcow2 or raw), a kernel with an optional ramdisk, or
 * both. Image files are verified on arrival (size, checksum, format, no backing file) and kept under their
 * checksum. An image is a project's: its visibility says who else may make instances of it, and its state
 * whether anybody can.
 */
import { type Static, Type } from "@sinclair/typebox";
import {
  Checksums,
  ImageTicket,
  ImageUpload,
  imageParts,
  Refusal,
  sealRequest,
  uploadRequest,
  writeRequest,
} from "./image-bytes.ts";
import { architectures, diskFormats } from "./kinds.ts";
import { fieldLimits } from "./limits/fields.ts";
import { imageLimits } from "./limits/image.ts";
import { changed, kept, made, resource } from "./wire/resource.ts";
import {
  answer,
  Count,
  ExtraSpecs,
  given,
  Id,
  Label,
  literals,
  Name,
  nullable,
  Path,
  pageRequest,
  request,
  Sha256,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export { type DiskFormat, diskFormats } from "./kinds.ts";

/** A file to register: read once, from the image server's own file system. */
const source = { path: Path, sha256: Type.Optional(Sha256), sizeBytes: Type.Optional(Count) };
/** A registered file, as the image store keeps it. */
const file = { sha256: Sha256, sizeBytes: Count };

export const ImageDisk = answer({ ...file, format: literals(diskFormats), virtualSizeBytes: Count });
export const ImageFile = answer(file);
export type ImageDisk = Static<typeof ImageDisk>;
export type ImageFile = Static<typeof ImageFile>;

const commandLine = Type.String({
  maxLength: 2_048,
  pattern: "^[^\\x00-\\x1f\\x7f]*$",
  description: "a text of at most 2048 characters, none of them a control character",
});

/** Requirements of an image on its host and its flavor; the scheduler's filters read them. */
const properties = {
  architecture: literals(architectures),
  memoryMibMin: Type.Integer({ minimum: 0, maximum: fieldLimits.memoryMibMax }),
  diskGibMin: Type.Integer({ minimum: 0, maximum: fieldLimits.diskGibMax }),
  /** Name of the hypervisor driver that it is for; absent: any. */
  hypervisor: Type.Optional(Label),
  /**
   * Further requirements under Nova's names, such as `trait:HW_CPU_X86_AVX2` or `hw_machine_type`; absent:
   * none.
   */
  extra: Type.Optional(ExtraSpecs),
};
export const ImageProperties = answer(properties);
export type ImageProperties = Static<typeof ImageProperties>;

/**
 * Whose instances may be made of an image, beside those of its owner and of operators. `public`: any
 * project's; `community`: any project's that knows its id; `shared`: its members'; `private`: no other's.
 * Glance's words.
 */
export const imageVisibilities = ["public", "community", "shared", "private"] as const;

/**
 * `queued`: without bytes; `saving`: they arrive; `importing`: they are verified; `active`: instances can be
 * made of it; `deactivated`: they cannot, until it is reactivated. These are Glance's. A deleted image has no
 * row.
 */
export const imageStates = ["queued", "saving", "importing", "active", "deactivated"] as const;
export type ImageState = (typeof imageStates)[number];

/** A member whose status is not `accepted` may use the image by its id, and does not find it in its list. */
export const memberStatuses = ["pending", "accepted", "rejected"] as const;

export const image = resource({
  noun: "image",
  one: "image",
  many: "images",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    disk: nullable(ImageDisk),
    kernel: nullable(ImageFile),
    ramdisk: nullable(ImageFile),
    commandLine,
    properties: ImageProperties,
    visibility: literals(imageVisibilities),
    state: literals(imageStates),
    /** True: it cannot be deleted. */
    protected: Type.Boolean(),
    /** Null: not known, as of an image that was registered. */
    checksums: nullable(Checksums),
    /** What it takes, or takes at most when all its bytes have come; null: nothing was said yet. */
    sizeBytes: nullable(Count),
    /** Name of the controller with the image's upload, and later with its files; null: none. */
    holder: nullable(Id),
    /** Why what was sent was not taken; null: nothing was refused since. */
    refusal: nullable(Refusal),
  },
  joined: {
    /** The projects that it is shared with; absent: whoever asks is not its owner. */
    members: Type.Optional(Type.Array(answer({ project: Id, status: literals(memberStatuses) }))),
    /** Of the project that asks, where the image is another's; absent: it is not shared with that project. */
    memberStatus: Type.Optional(literals(memberStatuses)),
  },
  later: ["project", "visibility", "state", "protected", "checksums", "sizeBytes", "holder", "refusal"],
  visibility: {
    field: "visibility",
    listed: ["public"],
    named: ["public", "community"],
    shared: "shared",
    members: { noun: "image-member", of: "imageId", status: "status", listed: ["accepted"] },
  },
  limit: { most: imageLimits.imagesPerProjectMax, of: "project" },
});

/** That an image is shared with a project. Clients see it in the image. */
export const imageMember = resource({
  noun: "image-member",
  one: "imageMember",
  many: "imageMembers",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  /** The project. */
  name: Id,
  nameUnique: false,
  fields: { imageId: Id, status: literals(memberStatuses) },
  uses: { imageId: "image" },
  partOf: "imageId",
  unique: [["imageId", "name"]],
});

export const Image = image.shape;
export type Image = Static<typeof Image>;

/** The checksums of an image's files. */
export function filesOf({ disk, kernel, ramdisk }: Pick<Image, "disk" | "kernel" | "ramdisk">): string[] {
  return [disk, kernel, ramdisk].flatMap((file) => (file === null ? [] : [file.sha256]));
}

const propertiesAsked = Type.Optional(Type.Partial(request(properties), { additionalProperties: false }));

/** Absent: private, or as it was. Only operators make an image public. */
const visibilityAsked = Type.Optional(literals(imageVisibilities));
const protectedAsked = Type.Optional(Type.Boolean());

const {
  list,
  get,
  delete: removed,
} = kept(image, {
  get: "Shows one image, by id, or by a name that only one has of those that the project lists.",
  delete: "Removes an image and the files that no other image has; refused while it is used or protected.",
});

export const imageService = service({
  noun: "image",
  version: "1.0.0",
  summary: "What guests boot from.",
  methods: {
    register: method({
      request: request({
        name: given(Name),
        disk: Type.Optional(request({ ...source, format: literals(diskFormats) })),
        kernel: Type.Optional(request(source)),
        ramdisk: Type.Optional(request(source)),
        commandLine: Type.Optional(commandLine),
        properties: propertiesAsked,
        /** Whose it shall be; absent: the operators'. */
        project: Type.Optional(Id),
        /** Absent: `public`, or `private` where a project is named. */
        visibility: visibilityAsked,
      }),
      answer: answer({ image: Image }),
      target: "collection",
      audience: "admin",
      mutates: true,
      long: true,
      summary: "Verifies files and keeps them as an image; needs a disk or a kernel.",
    }),
    create: made(
      image,
      { properties: propertiesAsked, visibility: visibilityAsked, protected: protectedAsked },
      "Makes an image without bytes, which waits for them in the state queued.",
    ),
    list: method({
      ...list,
      request: request({
        ...{ ...pageRequest, name: Type.Optional(Name), state: Type.Optional(literals(imageStates)) },
        /** With `community`: those of all projects. */
        visibility: visibilityAsked,
        /** Only images of other projects that are shared with this one, by its answer. */
        memberStatus: Type.Optional(literals(memberStatuses)),
      }),
      summary:
        "Lists images that are public, the project's own, or shared with it and accepted; oldest first.",
    }),
    get,
    delete: removed,
    update: changed(
      image,
      {
        name: Type.Optional(Name),
        properties: propertiesAsked,
        visibility: visibilityAsked,
        protected: protectedAsked,
      },
      "Renames an image, or changes who may use it, what it needs, and whether it can be deleted.",
    ),
    deactivate: changed(image, {}, "No instance is made of it from now on; those that there are go on."),
    reactivate: changed(image, {}, "Instances can be made of it again."),
    share: changed(image, { project: Id }, "Shares an image with a project; a private one becomes shared."),
    unshare: changed(image, { project: Id }, "Shares an image with a project no more."),
    upload: method({
      request: request(uploadRequest),
      answer: answer({ image: Image, upload: ImageUpload }),
      target: "entity",
      audience: "project",
      mutates: true,
      summary:
        "Says where its bytes are to be sent, and where they go on; asked again after each interruption.",
    }),
    write: method({
      request: request(writeRequest),
      answer: answer({ nextOffset: Count }),
      target: "entity",
      audience: "project",
      mutates: true,
      summary: "Sends a piece of an upload over the bus, for small ones; others go by the ticket.",
    }),
    complete: method({
      request: request(sealRequest),
      answer: answer({ image: Image }),
      target: "entity",
      audience: "project",
      mutates: true,
      summary:
        "Says that all bytes are sent, and what they are; they are verified and kept, or the image is queued again.",
    }),
    ticket: method({
      request: request({ part: Type.Optional(literals(imageParts)) }),
      answer: answer({ download: ImageTicket, sha256: Sha256, sizeBytes: Count }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Says where a file of the image can be fetched: its disk, unless another part is named.",
    }),
    accept: changed(image, {}, "Lists an image that another project shares with this one."),
    reject: changed(image, {}, "Does not list an image that another project shares with this one."),
  },
});
