/**
 * Flavors: the sizes that can be asked for. Everybody lists them, operators make them. Immutable; delete and
 * create.
 */
import { type Static, Type } from "@sinclair/typebox";
import { limits } from "./limits/limits.ts";
import { answer, ExtraSpecs, Id, Label, pageRequest, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const size = {
  vcpus: Type.Integer({ minimum: 1, maximum: limits.vcpusMax }),
  memoryMib: Type.Integer({ minimum: limits.memoryMibMin, maximum: limits.memoryMibMax }),
  /** Size of the root disk; 0 takes the image's own size. */
  diskGib: Type.Integer({ minimum: 0, maximum: limits.diskGibMax }),
};

export const Flavor = answer({
  id: Id,
  name: Label,
  ...size,
  extraSpecs: Type.Optional(ExtraSpecs),
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
