/**
 * Images: what guests boot from. An image is a disk (qcow2 or raw), a kernel with an optional ramdisk, or
 * both. Image files are verified on arrival (size, checksum, format, no backing file) and kept under their
 * checksum.
 */
import { type Static, Type } from "@sinclair/typebox";
import { architectures, diskFormats } from "./kinds.ts";
import { fieldLimits } from "./limits/fields.ts";
import { kept, resource } from "./wire/resource.ts";
import {
  answer,
  Count,
  ExtraSpecs,
  given,
  Label,
  literals,
  Name,
  nullable,
  Path,
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

export const image = resource({
  noun: "image",
  one: "image",
  many: "images",
  owner: "cell",
  makes: "admin",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    disk: nullable(ImageDisk),
    kernel: nullable(ImageFile),
    ramdisk: nullable(ImageFile),
    commandLine,
    properties: ImageProperties,
  },
});

export const Image = image.shape;
export type Image = Static<typeof Image>;

/** The checksums of an image's files. */
export function filesOf({ disk, kernel, ramdisk }: Pick<Image, "disk" | "kernel" | "ramdisk">): string[] {
  return [disk, kernel, ramdisk].flatMap((file) => (file === null ? [] : [file.sha256]));
}

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
        properties: Type.Optional(Type.Partial(request(properties), { additionalProperties: false })),
      }),
      answer: answer({ image: Image }),
      target: "collection",
      audience: "admin",
      mutates: true,
      long: true,
      summary: "Verifies files and keeps them as an image; needs a disk or a kernel.",
    }),
    ...kept(image, {
      delete: "Removes an image and the files that no other image has; refused while an instance uses it.",
    }),
  },
});
