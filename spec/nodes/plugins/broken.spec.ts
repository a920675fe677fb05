/**
 * Every way in which a plug-in can be wrong: each is a package of its own in a directory of its own, and each
 * is told in one line, with the file, the line, and what to do next.
 */
import { expect } from "chai";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { codeOf, failureOf } from "../../../nodes/package/failure.ts";
import { ownVersion } from "../../../nodes/package/program-files.ts";
import { loadCluster } from "../../../nodes/plugins/load.ts";
import { PluginDirectory, pluginSource } from "./plugin-directory.ts";

interface Broken {
  /** The plug-in's file; absent: there is no package. */
  readonly source?: string;
  readonly manifest?: object;
  /** Of cluster.yaml; absent: one plug-in, `acme`, on the second line. */
  readonly yaml?: string;
  /** Another package that is in order. */
  readonly beside?: string;
  readonly line?: number;
  readonly says: readonly string[];
}

const filter = (more: string) => `{ name: "acme.cool", effort: efforts.waiting, check: () => true, ${more} }`;
const parts = (made: string) => pluginSource(`parts: () => (${made})`);
const withOptions = pluginSource(
  `options: Type.Object({ degreesMax: Type.Integer({ minimum: 1, description: "how hot a host may be" }) })`,
);
const optionsIn = (options: string) =>
  `demo: false\nplugins:\n  - package: acme\n    options:\n      ${options}`;

const broken: Readonly<Record<string, Broken>> = {
  "a package that is not there": {
    says: ["plugins.0 (acme): there is no such package.", "npm install acme"],
  },
  "a path that leads nowhere": {
    yaml: "demo: false\nplugins: [./lost.js]",
    says: ["plugins.0 (./lost.js): there is no such file, seen from", "Correct the path."],
  },
  "a path that is a directory": {
    yaml: "demo: false\nplugins: [./node_modules/acme]",
    source: pluginSource(""),
    says: ["it is a directory. Name the file in it"],
  },
  "what is neither a name nor a path": {
    yaml: 'demo: false\nplugins: ["Not A Name"]',
    says: ["plugins.0.package", "the name of an installed package, or a path that begins with ./"],
  },
  "a number in place of a name": {
    yaml: "demo: false\nplugins: [5]",
    says: ["plugins.0 must be a map of keys. Found: 5.", "a package's name, or { package: NAME"],
  },
  "a key that is not known": {
    yaml: "demo: false\nplugins: [{ package: acme, optoins: {} }]",
    source: pluginSource(""),
    says: ["plugins.0.optoins is not a known key. Did you mean options?"],
  },
  "a package that exports nothing under its name": {
    source: pluginSource(""),
    manifest: { exports: { "./other": "./index.js" } },
    says: ["its package exports nothing under that name."],
  },
  "a package that it needs and that is not there": {
    source: `import "elsewhere"; ${pluginSource("")}`,
    says: ["it needs the package elsewhere, which is not there. Install it beside the plug-in."],
  },
  "an entry of novact that there is not": {
    source: `import "novact/inside"; ${pluginSource("")}`,
    says: ["it imports what novact does not offer", "novact/plugin has what a plug-in needs."],
  },
  "a name that novact/plugin does not have": {
    source: `import { hotplug } from "novact/plugin"; ${pluginSource("")}`,
    says: ["it has thrown while it was loaded: SyntaxError", "hotplug"],
  },
  "a file that is no JavaScript": { source: "export default {", says: ["SyntaxError", "Ask its author."] },
  "a throw while it is loaded": {
    source: `throw new Error("no licence\\nat all");`,
    says: ["it has thrown while it was loaded: no licence at all. Ask its author."],
  },
  "a throw of something without words": {
    source: "throw { toString() { throw 1; } };",
    says: ["it has thrown while it was loaded: something without words."],
  },
  "an end that never comes": {
    source: `await new Promise(() => setInterval(() => undefined, 1_000).unref()); ${pluginSource("")}`,
    says: ["it has not loaded after 0.3 s: something that it awaits does not come."],
  },
  "no default export": {
    source: "export const plugin = 1;",
    says: ["it has no default export. Write: export default definePlugin({ … })."],
  },
  "a default export that is no plug-in": {
    source: "export default () => undefined;",
    says: ["its default export is no plug-in."],
  },
  "no name": { source: pluginSource("name: undefined"), says: ["its name must be 1 to 32", "undefined"] },
  "a name that is none": { source: pluginSource(`name: "Acme Ltd"`), says: ['Found: "Acme Ltd".'] },
  "a name of novact's own": {
    source: pluginSource(`name: "instance"`),
    says: ["its name, instance, is a name of novact's own. Give it another."],
  },
  "the name of another plug-in": {
    source: pluginSource(""),
    beside: pluginSource(""),
    yaml: "demo: false\nplugins:\n  - beside\n  - acme",
    line: 4,
    says: ["plugins.1 (acme): its name, acme, is taken by plugins.0 (beside)."],
  },
  "a version of the API that is no number": {
    source: pluginSource(`api: "1"`),
    says: ["its api must be a whole number, or { from, to }; this novact has 1.", 'Found: "1".'],
  },
  "a version of the API that is to come": {
    source: pluginSource("api: { from: 2, to: 3 }"),
    says: [
      `it is written for version 2 to 3 of the plug-in API, and novact ${ownVersion()} has 1.`,
      "Install a version of acme for 1, or a novact that has 2 to 3.",
    ],
  },
  "a schema of options that is none": {
    source: pluginSource(`options: { type: "object", properties: { a: { type: "colour" } } }`),
    says: ["it has options that are no schema:", "Its author has to mend it."],
  },
  "an option that is not known": {
    source: withOptions,
    yaml: optionsIn("degreesMax: 80\n      degreeMax: 80"),
    line: 6,
    says: ["plugins.0.options.degreeMax is not a known key. Did you mean degreesMax?"],
  },
  "an option that cannot be": {
    source: withOptions,
    yaml: optionsIn("degreesMax: warm"),
    line: 5,
    says: ["plugins.0.options.degreesMax must be a whole number. Found: a text.", "how hot a host may be"],
  },
  "an option that is missing": {
    source: withOptions,
    says: ["plugins.0.options lacks the key degreesMax. Add it."],
  },
  "options of a plug-in that takes none": {
    source: pluginSource(""),
    yaml: optionsIn("degreesMax: 80"),
    line: 4,
    says: ["plugins.0.options: the plug-in acme takes no options. Remove them."],
  },
  "parts that are no function": { source: pluginSource("parts: {}"), says: ["its parts are no function."] },
  "parts that throw": {
    source: pluginSource(`parts: () => { throw new Error("no") }`),
    says: ["its parts() has thrown: no. Look at its options, or ask its author."],
  },
  "parts that are a promise": {
    source: pluginSource("parts: async () => ({})"),
    says: ["its parts() has answered a promise. It must answer at once"],
  },
  "parts that are nothing": {
    source: pluginSource("parts: () => undefined"),
    says: ["its parts() must answer an object. It has answered undefined."],
  },
  "parts of an unknown kind": {
    source: parts("{ filtres: [] }"),
    says: ["it brings filtres, which are no parts of a plug-in. Did you mean filters?"],
  },
  "a driver with a name of ours": {
    source: parts("{ hypervisors: { qemu: { options: Type.Object({}), open: () => ({}) } } }"),
    says: ["the name hypervisors.qemu is taken by novact."],
  },
  "a driver with a name of another plug-in's": {
    source: parts("{ hypervisors: { xen: { options: Type.Object({}), open: () => ({}) } } }"),
    beside: pluginSource(
      `name: "beside", parts: () => ({ hypervisors: { xen: { options: Type.Object({}), open: () => ({}) } } })`,
    ),
    yaml: "demo: false\nplugins:\n  - beside\n  - acme",
    line: 4,
    says: ["the name hypervisors.xen is taken by the plug-in beside."],
  },
  "a driver under another name of one of novact's": {
    source: parts("{ hypervisors: { kvm: { options: Type.Object({}), open: () => ({}) } } }"),
    says: ["the name hypervisors.kvm is taken by novact."],
  },
  "another name of a driver that one of novact's has": {
    source: parts(
      `{ hypervisors: { xen: { aliases: ["kvm"], options: Type.Object({}), open: () => ({}) } } }`,
    ),
    says: ["the alias kvm of hypervisors.xen is taken by novact."],
  },
  "other names that are no list": {
    source: parts(`{ hypervisors: { xen: { aliases: "zen", options: Type.Object({}), open: () => ({}) } } }`),
    says: ["hypervisors.xen has aliases that are no list of names."],
  },
  "disks of a hypervisor that are no names": {
    source: parts(`{ hypervisors: { xen: { disksOnly: [7], options: Type.Object({}), open: () => ({}) } } }`),
    says: ["hypervisors.xen has a disksOnly that is no list of names."],
  },
  "a driver whose name is none": {
    source: parts("{ disks: { LVM: { options: Type.Object({}), open: () => ({}) } } }"),
    says: ["the name of disks.LVM is not 1 to 32 lower-case letters"],
  },
  "a driver that cannot be opened": {
    source: parts("{ networks: { vlan: { options: Type.Object({}) } } }"),
    says: ["networks.vlan has no function open."],
  },
  "a driver without options": {
    source: parts("{ volumes: { ceph: { open: () => ({}) } } }"),
    says: ["volumes.ceph has no options: write Type.Object({ … })."],
  },
  "a power driver with a name of ours": {
    source: parts("{ power: { ipmi: { options: Type.Object({}), open: () => ({}) } } }"),
    says: ["the name power.ipmi is taken by novact."],
  },
  "a sink with a name of ours": {
    source: parts("{ sinks: { webhook: { options: Type.Object({}), open: () => ({}) } } }"),
    says: ["the name sinks.webhook is taken by novact."],
  },
  "drivers in a list": {
    source: parts("{ disks: [] }"),
    says: ["its disks are no object of drivers by name."],
  },
  "a filter without the plug-in's prefix": {
    source: parts(`{ filters: [{ ...${filter("")}, name: "cool" }] }`),
    says: ['filters.0 (cool) must have a name that begins with "acme."'],
  },
  "a filter that is there twice": {
    source: parts(`{ filters: [${filter("")}, ${filter("")}] }`),
    says: ["filters.1 (acme.cool) is there twice."],
  },
  "a filter without effort": {
    source: parts(`{ filters: [${filter("effort: undefined")}] }`),
    says: ["filters.0 (acme.cool) has no effort: take one of efforts."],
  },
  "a filter that checks nothing": {
    source: parts(`{ filters: [${filter("check: undefined")}] }`),
    says: ["filters.0 (acme.cool) must have one function, check or prepare."],
  },
  "a weigher that weighs by two things": {
    source: parts(
      `{ weighers: [{ name: "acme.w", novaName: "w", multiplier: 1, amount: "vcpus", weigh: () => 0 }] }`,
    ),
    says: ["weighers.0 (acme.w) must have one of amount, weigh, and policy with weighCount."],
  },
  "a definition that throws when it is read": {
    source: `export default { get name() { throw new Error("go away"); }, api: 1, parts: () => ({}) };`,
    says: ["it cannot be read: go away."],
  },
  "a filter that the scheduler is to use and nobody brings": {
    source: parts(`{ filters: [${filter("")}] }`),
    yaml: "demo: false\nplugins: [acme]\nscheduler:\n  filters: [enabled, acme.cold]",
    line: 4,
    says: ["scheduler.filters.1 must be one of:", 'Found: "acme.cold". Did you mean acme.cool?'],
  },
  "a weigher that the scheduler is to use and nobody brings": {
    source: pluginSource(""),
    yaml: "demo: false\nplugins: [acme]\nscheduler:\n  weighers:\n    acme.w: 5",
    line: 5,
    says: ["scheduler.weighers.acme.w is not a known key. Use one of: freeRam"],
  },
};

describe("a plug-in that is wrong", () => {
  let directory: PluginDirectory;

  beforeEach(() => {
    directory = new PluginDirectory();
  });

  afterEach(() => directory.remove());

  const errorOf = async ({ source, manifest, yaml, beside }: Broken): Promise<ConfigError> => {
    directory.configure(yaml ?? "demo: false\nplugins: [acme]");
    if (source !== undefined) directory.install("acme", source, manifest);
    if (beside !== undefined) directory.install("beside", beside);
    try {
      await loadCluster(directory.file, { loadMsMax: 300 });
    } catch (thrown) {
      if (thrown instanceof ConfigError) return thrown;
      throw thrown;
    }
    throw new Error("It was loaded.");
  };

  for (const [what, one] of Object.entries(broken))
    it(`is told in one line with what to do: ${what}`, async () => {
      const error = await errorOf(one);
      const [line = "", ...more] = error.message.split("\n");
      expect(more).to.deep.equal([]);
      expect(line).to.match(new RegExp(`cluster\\.yaml:${one.line ?? 2}: `));
      for (const words of one.says) expect(line).to.contain(words);
      expect(codeOf(error)).to.equal("INVALID_ARGUMENT");
      expect(failureOf(error)).to.deep.equal({ text: error.message, exit: 2 });
    });

  it("does not hide another one: all are told at once, in order", async () => {
    directory.install("acme", "export default 5;");
    directory.install("other", pluginSource("api: 7"));
    directory.configure("plugins:\n  - acme\n  - lost\n  - other");
    const told: unknown = await loadCluster(directory.file).catch((thrown: unknown) => thrown);
    const lines = told instanceof ConfigError ? told.findings.map(({ line }) => line) : [];
    expect(lines).to.deep.equal([2, 3, 4]);
  });
});
