/** The choice of drivers in cluster.yaml: what is taken, and the messages for a person who made a mistake. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { type Brought, nothingBrought } from "../../../nodes/config/plugins.ts";

const options = Type.Object(
  { firmware: Type.String({ pattern: "^/", description: "the absolute path of the firmware" }) },
  { additionalProperties: false, description: "options" },
);
const none = Type.Object({}, { additionalProperties: false });

/** What there is with a plug-in: a hypervisor with an option that it needs, and disks of its own. */
const withPlugin: Brought = {
  ...nothingBrought,
  hypervisors: { cloud: { options, disks: "logical" } },
  disks: { logical: { options: none } },
};

const parse = (node: string, known?: Brought) =>
  parseConfig(`nodes:\n  - name: a\n${node}`, "/tmp/cluster.yaml", known).nodes[0];

const refusal = (node: string, known?: Brought): string => {
  try {
    parse(node, known);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll("/tmp/cluster.yaml", "file");
    throw error;
  }
  throw new Error("it was accepted");
};

describe("the choice of drivers", () => {
  it("is one of each kind, by name or with options", () => {
    expect(parse("    hypervisor: qemu\n")?.drivers).to.deep.equal(parse("")?.drivers);
    const written = "{ driver: fake, options: { startLatencyMs: 7 } }";
    const node = parse(`    hypervisor: ${written}\n    network: fake\n    volumes: { driver: fake }\n`);
    expect(node?.drivers).to.deep.equal({
      hypervisor: { driver: "fake", options: { startLatencyMs: 7 } },
      disks: { driver: "fake", options: {} },
      network: { driver: "fake", options: {} },
      volumes: { driver: "fake", options: {} },
    });
    expect([node?.pretends, node?.probes, node?.sharedDirectory]).to.deep.equal([true, false, undefined]);
  });

  it("has the network of its guests where it names none, unless it says that it has none", () => {
    expect(parse("")?.drivers.network).to.deep.equal({ driver: "user", options: {} });
    expect(parse("    network: none\n")?.drivers.network).to.equal(undefined);
    expect(parse("    hypervisor: fake\n")?.drivers.network).to.equal(undefined);
    expect(parse("    hypervisor: fake\n    network: user\n")?.drivers.network?.driver).to.equal("user");
    expect(refusal("    network: { driver: none }\n")).to.contain(
      "network.driver must be one of: user, bridge, fake",
    );
  });

  it("checks options as those of sinks are: with defaults, and no unknown keys", () => {
    const open = Type.Object({ depth: Type.Integer({ default: 3 }) });
    const known: Brought = { ...nothingBrought, disks: { logical: { options: open } } };
    expect(parse("    disks: logical\n", known)?.drivers.disks).to.deep.equal({
      driver: "logical",
      options: { depth: 3 },
    });
    const unknown = "    disks: { driver: logical, options: { dept: 1 } }\n";
    expect(refusal(unknown, known)).to.contain("disks.options.dept is not a known key. Did you mean depth?");
  });

  it("says no value of an option, which may be a secret", () => {
    const text = "    hypervisor: { driver: cloud, options: { firmware: s3cret } }\n";
    expect(refusal(text, withPlugin)).to.contain("Found: a text.").and.not.to.contain("s3cret");
  });

  it("passes over a key without a value where a driver of a plug-in is believed", () => {
    const text = "plugins: [./p.js]\nnodes:\n  - name: a\n    hypervisor: cloud\n    disks:\n";
    expect(parseConfig(text, "/tmp/cluster.yaml").nodes[0]?.drivers.hypervisor.driver).to.equal("cloud");
    expect(refusal("    disks:\n")).to.contain("nodes.0.disks must be");
  });

  it("takes a plug-in's driver, with the disks that belong to it", () => {
    const text = "    hypervisor: { driver: cloud, options: { firmware: /opt/fw } }\n";
    expect(parse(text, withPlugin)?.drivers).to.deep.include({
      hypervisor: { driver: "cloud", options: { firmware: "/opt/fw" } },
      disks: { driver: "logical", options: {} },
    });
    expect(parse(text, withPlugin)).to.include({
      pretends: false,
      probes: false,
      sharedDirectory: undefined,
    });
  });

  it("has the accelerator and the shared directory of a file of before as options of their drivers", () => {
    const node = parse("    accelerator: tcg\n    sharedDirectory: mine\n");
    expect(node?.drivers.hypervisor.options).to.deep.equal({ accelerator: "tcg" });
    expect(node?.drivers.disks.options).to.deep.equal({ sharedDirectory: "/tmp/.novact/mine" });
    expect(node?.sharedDirectory).to.equal("/tmp/.novact/mine");
    const now = "    disks: { driver: files, options: { sharedDirectory: mine } }\n";
    expect(parse(now)?.drivers.disks).to.deep.equal(node?.drivers.disks);
    expect(
      parse("    disks: { driver: files, options: { sharedDirectory: none } }\n")?.drivers.disks,
    ).to.deep.equal({ driver: "files", options: {} });
    // Guests that only pretend never took either: such files exist.
    expect(
      parse("    hypervisor: fake\n    accelerator: tcg\n    sharedDirectory: x\n")?.drivers,
    ).to.deep.equal(parse("    hypervisor: fake\n")?.drivers);
  });

  it("refuses disks that a hypervisor's guests cannot have, so that none is placed on them", () => {
    const boxes = { options: none, disks: "logical", disksOnly: ["logical"] };
    const known: Brought = { ...withPlugin, hypervisors: { boxes } };
    expect(parse("    hypervisor: boxes\n", known)?.drivers.disks.driver).to.equal("logical");
    const shared = "    disks: { driver: files, options: { sharedDirectory: mine } }\n";
    expect(refusal(`    hypervisor: boxes\n${shared}`, known)).to.contain(
      "file:4: nodes.0.disks cannot be files: guests of boxes run on disks of logical alone.",
    );
  });

  const wrong: readonly (readonly [string, string, string, string])[] = [
    [
      "a misspelt name",
      "    hypervisor: qmeu\n",
      "file:3: nodes.0.hypervisor must be one of: qemu, fake, cloud",
      "Did you mean qemu?",
    ],
    [
      "a misspelt name of a plug-in's driver",
      "    disks:\n      driver: logicl\n",
      "file:4: nodes.0.disks.driver must be one of: files, fake, logical",
      "Did you mean logical?",
    ],
    [
      "a name of another kind",
      "    network: qemu\n",
      "file:3: nodes.0.network must be one of: user, bridge, fake",
      "qemu",
    ],
    [
      "a name of Object's",
      "    volumes: toString\n",
      "file:3: nodes.0.volumes must be one of: files, fake",
      "toS",
    ],
    ["a list", "    hypervisor: [qemu]\n", "file:3: nodes.0.hypervisor must be a map of keys", "its name"],
    [
      "a key beside the options",
      "    hypervisor:\n      driver: qemu\n      accelerator: kvm\n",
      "file:5: nodes.0.hypervisor.accelerator is not a known key",
      "driver, options",
    ],
    [
      "options without a driver",
      "    hypervisor: { options: {} }\n",
      "file:3: nodes.0.hypervisor lacks the key driver",
      "Add it",
    ],
    [
      "a misspelt option",
      "    hypervisor:\n      driver: qemu\n      options: { acelerator: kvm }\n",
      "file:5: nodes.0.hypervisor.options.acelerator is not a known key",
      "Did you mean accelerator?",
    ],
    [
      "an option out of its range",
      "    hypervisor: { driver: qemu, options: { accelerator: xen } }\n",
      "file:3: nodes.0.hypervisor.options.accelerator must be one of: auto, kvm, tcg",
      "falls back",
    ],
    [
      "the short form of it",
      "    accelerator: xen\n",
      "file:3: nodes.0.accelerator must be one of: auto, kvm, tcg",
      "falls back",
    ],
    [
      "an option for a driver that has none",
      "    network: { driver: fake, options: { bridge: br0 } }\n",
      "file:3: nodes.0.network.options.bridge is not a known key",
      "It has none",
    ],
    [
      "an option that a plug-in's driver needs",
      "    hypervisor: cloud\n",
      "file:3: nodes.0.hypervisor lacks the key firmware",
      "Add it",
    ],
    [
      "an accelerator for a driver that takes none",
      "    hypervisor: { driver: cloud, options: { firmware: /x } }\n    accelerator: kvm\n",
      "file:4: nodes.0.accelerator is no option of the hypervisor driver cloud",
      "Remove it",
    ],
    [
      "an option in both forms",
      "    accelerator: kvm\n    hypervisor: { driver: qemu, options: { accelerator: tcg } }\n",
      "file:3: nodes.0.accelerator is said twice",
      "Remove one",
    ],
    [
      "real guests on disks that only pretend",
      "    disks: fake\n",
      "file:3: nodes.0.disks only pretends",
      "files, logical",
    ],
    [
      "real guests on a network that only pretends",
      "    network: fake\n",
      "file:3: nodes.0.network only pretends",
      "Choose one of: user, bridge.",
    ],
  ];
  for (const [what, node, start, contains] of wrong) {
    it(`names file, line and what to do for ${what}`, () => {
      const message = refusal(node, withPlugin);
      expect(message.split("\n")[0]).to.satisfy((line: string) => line.startsWith(start), message);
      expect(message).to.contain(contains);
    });
  }
});
