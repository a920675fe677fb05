/** Every way in which the extensions of a plug-in can be wrong, and what is said of it. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import type { ExtensionParts } from "../../../actors/control/extensions/definition.ts";
import { extensionFaults } from "../../../nodes/plugins/extensions.ts";
import { resource } from "../../../protocol/wire/resource.ts";
import { answer, request } from "../../../protocol/wire/schema.ts";
import { method, service } from "../../../protocol/wire/service.ts";
import { flag, window } from "../../support/toy-extension.ts";
import { toyPlugin } from "../../support/toy-services.ts";

const plain = method({
  request: request({}),
  answer: answer({}),
  target: "entity",
  audience: "project",
  mutates: true,
  summary: "Does nothing.",
});
const serving = (noun: string, methods: Record<string, typeof plain>) => ({
  service: service({ noun, version: "1.0.0", summary: "For specs.", methods }),
  handlers: () => ({}),
});
const acting = (changes: object, on: "instance" | "host" = "instance") => ({
  on,
  service: service({
    noun: "deed",
    version: "1.0.0",
    summary: "For specs.",
    methods: { act: { ...plain, ...changes } },
  }),
  handlers: { act: async () => ({ answer: {} }) },
});

const wrong: readonly (readonly [string, ExtensionParts])[] = [
  ["has the noun instance, which novact has already", { services: [serving("instance", {})] }],
  ["has the noun flavor, which novact has already", { resources: [resource({ ...flag, noun: "flavor" })] }],
  ["has the noun actor, which novact has already", { services: [serving("actor", {})] }],
  ["has the noun shared, which the plug-in other has already", { services: [serving("shared", {})] }],
  ["has the noun Big", { services: [serving("Big", {})] }],
  ...["requestId", "project", "config", "json", "help", "timeout", "output", "version"].map(
    (field): readonly [string, ExtensionParts] => [
      `its method one.act has the field ${field}, which is an option of every command`,
      { services: [serving("one", { act: { ...plain, request: request({ [field]: Type.String() }) } })] },
    ],
  ),
  ["has the noun a.b", { services: [serving("a.b", {})] }],
  [`has the noun ${"a".repeat(41)}`, { services: [serving("a".repeat(41), {})] }],
  ["has the noun one twice", { services: [serving("one", {}), serving("one", {})] }],
  ["has the noun signal-flag twice", { resources: [flag, flag] }],
  [
    "has two resources whose quotas are called acme.signalFlags",
    { resources: [flag, resource({ ...flag, noun: "twin" })] },
  ],
  [
    'has a resource, signal-flag, without plugin: "acme"',
    { resources: [resource({ ...flag, plugin: "other" })] },
  ],
  ["its resource signal-flag uses flavor", { resources: [resource({ ...flag, uses: { color: "flavor" } })] }],
  [
    "its resource signal-flag has the field version",
    { resources: [resource({ ...flag, fields: { version: Type.Integer() } })] },
  ],
  [
    "its resource signal-flag has the field it's",
    { resources: [resource({ ...flag, fields: { "it's": Type.Integer() } })] },
  ],
  [
    "its resource maintenance-window has a limit, but no project owns it",
    { resources: [resource({ ...window, limit: { most: 1, of: "project" } })] },
  ],
  [
    "its resource signal-flag has a limit for users",
    { resources: [resource({ ...flag, limit: { most: 1, of: "user" } })] },
  ],
  ["its resource signal-flag needs words", { resources: [resource({ ...flag, many: "signal flags" })] }],
  ["its method one.do-it has a name", { services: [serving("one", { "do-it": plain })] }],
  [
    "its method one.act takes unknown fields",
    { services: [serving("one", { act: { ...plain, request: Type.Object({}) } })] },
  ],
  [
    "its method one.act has no audience",
    { services: [serving("one", { act: { ...plain, audience: "all" as never } })] },
  ],
  [
    "its action deed.act needs the target entity: an instance",
    { actions: [acting({ target: "collection" })] },
  ],
  ["its action deed.act is on hosts, and needs the audience admin", { actions: [acting({}, "host")] }],
  ["its action deed.act has no handler", { actions: [{ ...acting({}), handlers: {} }] }],
];

describe("the extensions of a plug-in", () => {
  const owner = (noun: string) => (noun === "shared" ? "the plug-in other" : undefined);

  it("have no fault when they are as they should be", () => {
    expect(extensionFaults("acme", toyPlugin.parts, owner)).to.deep.equal([]);
    expect(extensionFaults("acme", {}, owner)).to.deep.equal([]);
  });

  for (const [fault, parts] of wrong)
    it(`are told: ${fault}`, () => {
      const faults = extensionFaults("acme", parts, owner);
      expect(faults.filter((one) => one.startsWith(fault))).to.have.length(1);
      expect(faults).to.have.length(1);
    });
});
