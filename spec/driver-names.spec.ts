/**
 * No driver is named outside nodes/drivers/: whoever knows one by name has to be taught the next one. What is
 * asked instead are a driver's facts, a host's inventory, or the ports.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { builtInDrivers } from "../nodes/drivers/built-in.ts";
import { qemuFacts } from "../nodes/drivers/qemu/facts.ts";
import { projectFiles, root } from "./tidy/source-tree.ts";

const names = /qemu|fake/;

/** Each with its reason; a file that needs none any more leaves the list. */
const allowed: Readonly<Record<string, string>> = {
  "nodes/bench/by-hand.ts": "starts QEMU without an agent, and talks to QEMU's own monitor",
  "nodes/bench/network-creates.ts": "measures creates whose guests only pretend",
  "nodes/bench/network-host.ts": "says that QEMU, which opens its taps, is missing",
  "nodes/bench/storage-plug.ts": "measures what QEMU needs for a volume, by QEMU's own monitor",
  "nodes/bench/tap-opener.ts": "has QEMU open a tap, as guests do",
  "nodes/guard/main.ts": "scans for QEMU's processes, which no other guard would find",
  "nodes/package/build.ts": "names the files that are programs of their own",
  "nodes/setup/distribution/disk.ts": "makes the distribution's disk in QEMU's format",
  "nodes/setup/guest/build.ts": "makes the tiny guest's disk in QEMU's format",
  "nodes/setup/tests/lanes.ts": "names specs by their files",
  "nodes/setup/system-packages.mjs": "runs before anything of ours can be loaded",
};

describe("the names of drivers", () => {
  const hits = projectFiles()
    .filter((path) => /^(?:actors|db|nodes|protocol)\/.*\.(?:ts|mjs|sql)$/.test(path))
    .filter((path) => !path.startsWith("nodes/drivers/"))
    .filter((path) => names.test(readFileSync(join(root, path), "utf8")));

  it("stand in nodes/drivers/ alone, but for a few places with a reason", () => {
    expect(hits.filter((path) => !Object.hasOwn(allowed, path))).to.deep.equal([]);
    expect(Object.keys(allowed).filter((path) => !hits.includes(path))).to.deep.equal([]);
  });

  it("are found where they are: a name in a file, and every built-in hypervisor's", () => {
    for (const name of Object.keys(builtInDrivers.hypervisors)) expect(`hypervisor: ${name}`).to.match(names);
    expect("const hypervisor = usualHypervisor").not.to.match(names);
  });

  it("of programs are those that the set-up installs", () => {
    const installs = readFileSync(join(root, "nodes/setup/system-packages.mjs"), "utf8");
    for (const program of Object.values(qemuFacts.programs))
      expect(installs).to.include(`program: "${program}"`);
  });
});
