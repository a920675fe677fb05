/**
 * Flavors: the sizes of instances that can be asked for. Every project lists them, operators make them. A
 * flavor is immutable: to change one, delete it and create another.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { answer, ExtraSpecs, Id, Label, pageRequest, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const size = {
  vcpus: Type.Integer({ minimum: 1, maximum: fieldLimits.vcpusMax }),
  memoryMib: Type.Integer({ minimum: fieldLimits.memoryMibMin, maximum: fieldLimits.memoryMibMax }),
  /** Size of the root disk; 0 takes the image's own size. */
  diskGib: Type.Integer({ minimum: 0, maximum: fieldLimits.diskGibMax }),
};

export const Flavor = answer({
  id: Id,
  name: Label,
  ...size,
  extraSpecs: ExtraSpecs,
  createdAtMs: TimeMs,
});
export type Flavor = Static<typeof Flavor>;

export const flavorService = service({
  noun: "flavor",
  version: "1.0.0",
  summary: "Sizes of instances.",
  methods: {
    create: method({
      request: request({ name: Label, ...size, extraSpecs: Type.Optional(ExtraSpecs) }),
      answer: answer({ flavor: Flavor }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Makes a flavor; its name must be free.",
    }),
    list: method({
      request: request({ ...pageRequest }),
      answer: answer({ flavors: Type.Array(Flavor), nextMarker: Type.Optional(Id) }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Lists flavors, oldest first.",
    }),
    get: method({
      request: request({}),
      answer: answer({ flavor: Flavor }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Shows one flavor, by id or by name.",
    }),
    delete: method({
      request: request({}),
      answer: answer({ flavor: Flavor }),
      target: "entity",
      audience: "admin",
      mutates: true,
      summary: "Removes a flavor, by id or by name; instances made from it keep their size.",
    }),
  },
});
