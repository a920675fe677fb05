/** Packages that extend the API: one that is sound, and those that are no extensions at all. */
import { expect } from "chai";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { loadCluster } from "../../../nodes/plugins/load.ts";
import { PluginDirectory } from "./plugin-directory.ts";

const source = (parts: string, noun = "beacon", name = "acme") => `
import {
  answer, definePlugin, extensionService, instanceActions, kept, Label, made, method, request, resource,
  service, Type,
} from "novact/plugin";
const beacon = resource({
  plugin: "${name}", noun: "${noun}", one: "beacon", many: "beacons", owner: "project", makes: "project",
  sees: "project", name: Label, nameUnique: true, fields: { color: Type.String({ maxLength: 9 }) },
});
const beacons = extensionService(
  service({
    noun: "${noun}", version: "1.0.0", summary: "Beacons.",
    methods: { create: made(beacon, beacon.fields, "Lights one."), ...kept(beacon) },
  }),
  (tools) => {
    const { create, ...rest } = tools.resource(beacon);
    return { ...rest, create: (request, context) => create(request, { request, context }) };
  },
);
export default definePlugin({ name: "${name}", api: 1, parts: () => (${parts}) });
`;

describe("a package that extends the API", () => {
  let directory: PluginDirectory;
  beforeEach(() => {
    directory = new PluginDirectory();
  });
  afterEach(() => directory.remove());

  const faultOf = async (parts: string): Promise<string> => {
    directory.install("acme", source(parts));
    directory.configure("plugins: [acme]");
    const told: unknown = await loadCluster(directory.file).catch((thrown: unknown) => thrown);
    if (told instanceof ConfigError) return told.message;
    throw new Error("It was loaded.");
  };

  it("is loaded with its extensions", async () => {
    directory.install("acme", source("{ resources: [beacon], services: [beacons] }"));
    directory.configure("plugins: [acme]");
    const { plugins } = await loadCluster(directory.file);
    const [{ name, parts } = { name: "", parts: {} }] = plugins.loaded;
    expect([name, parts.services?.map(({ service }) => service.noun)]).to.deep.equal(["acme", ["beacon"]]);
  });

  it("may have no noun that another one has", async () => {
    directory.install("acme", source("{ resources: [beacon], services: [beacons] }"));
    directory.install("other", source("{ resources: [beacon] }", "beacon", "other"));
    directory.configure("plugins: [acme, other]");
    const told: unknown = await loadCluster(directory.file).catch((thrown: unknown) => thrown);
    expect(told).to.be.instanceOf(ConfigError);
    expect(String(told)).to.contain("it has the noun beacon, which the plug-in acme has already");
  });

  for (const [parts, fault] of [
    ["{ resources: beacon }", "its resources are no list"],
    ["{ resources: [{ noun: 'x' }] }", "resources.0 has no kept"],
    ["{ services: [{ service: {} }] }", "services.0 has no handlers"],
    ["{ services: [null] }", "services.0 has no service"],
    [
      "{ services: [{ service: {}, handlers: () => ({}) }] }",
      "it has a service that service({ … }) has not made",
    ],
    ["{ actions: [{}] }", "actions.0 has no service"],
    ["{ facts: () => ({}) }", "its facts are not { from, of }"],
    [
      "{ facts: { from: [beacon], of: () => ({}) } }",
      "its facts come from beacon, which is not in its resources",
    ],
  ] as const)
    it(`is told with its line: ${fault}`, async () => {
      const message = await faultOf(parts);
      expect(message).to.match(/cluster\.yaml:1: plugins\.0 \(acme\): /);
      expect(message).to.contain(fault);
    });
});
