/**
 * Flavors: the sizes of instances that can be asked for. Every project lists them, operators make them. A
 * flavor is immutable: to change one, delete it and create another.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { localDisks, localDisksTold } from "./local-disks.ts";
import { kept, made, resource } from "./wire/resource.ts";
import { ExtraSpecs, Label } from "./wire/schema.ts";
import { service } from "./wire/service.ts";

const size = {
  vcpus: Type.Integer({ minimum: 1, maximum: fieldLimits.vcpusMax }),
  memoryMib: Type.Integer({ minimum: fieldLimits.memoryMibMin, maximum: fieldLimits.memoryMibMax }),
  /** Size of the root disk; 0 takes the image's own size. */
  diskGib: Type.Integer({ minimum: 0, maximum: fieldLimits.diskGibMax }),
};

export const flavor = resource({
  noun: "flavor",
  one: "flavor",
  many: "flavors",
  owner: "cell",
  makes: "admin",
  sees: "project",
  name: Label,
  nameUnique: true,
  fields: { ...size, ...localDisks, extraSpecs: ExtraSpecs },
  later: ["ephemeralGib", "swapMib"],
});

export const Flavor = flavor.shape;
export type Flavor = Static<typeof Flavor>;

export const flavorService = service({
  noun: "flavor",
  version: "1.0.0",
  summary: "Sizes of instances.",
  methods: {
    create: made(
      flavor,
      { ...size, ...localDisksTold, extraSpecs: Type.Optional(ExtraSpecs) },
      "Makes a flavor; its name must be free.",
    ),
    ...kept(flavor, {
      delete: "Removes a flavor, by id or by name; instances made from it keep their size.",
    }),
  },
});
