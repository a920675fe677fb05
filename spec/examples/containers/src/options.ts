/** What a person may choose in cluster.yaml, for the hypervisor and for the disks. */
import { type Static, Type } from "novact/plugin";

export const hypervisorOptions = Type.Object(
  {
    runtime: Type.Optional(
      Type.String({
        pattern: "^/[^\\0]{1,255}$",
        description: "path of the OCI runtime; absent: /usr/bin/crun",
      }),
    ),
    processesMax: Type.Optional(
      Type.Integer({
        minimum: 16,
        maximum: 32_768,
        description: "processes and threads of one container, 16 to 32768; absent: 1024",
      }),
    ),
    capabilities: Type.Optional(
      Type.Union([Type.Literal("none"), Type.Literal("basic")], {
        description:
          "`none`, or `basic`: those that daemons need to change users and own files, within the container; absent: none",
      }),
    ),
  },
  { additionalProperties: false },
);
export type HypervisorOptions = Static<typeof hypervisorOptions>;

export const disksOptions = Type.Object(
  {
    rootMibMin: Type.Optional(
      Type.Integer({
        minimum: 16,
        maximum: 1_048_576,
        description: "size of a root file system in MiB when the flavor has no disk size; absent: 512",
      }),
    ),
    uidFirst: Type.Optional(
      Type.Integer({
        minimum: 65_536,
        // Above the last range the users of novact's QEMU guests begin.
        maximum: 0x6001_0000,
        description:
          "first user id of the containers' own ranges, a multiple of 65536 up to 1610678272; absent: 1610612736",
        multipleOf: 65_536,
      }),
    ),
  },
  { additionalProperties: false },
);
export type DisksOptions = Static<typeof disksOptions>;
