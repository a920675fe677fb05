/** The README's example of the SDK, run as it stands there, on a cluster with the fake hypervisor. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { linkEntries } from "../../nodes/bootstrap.mjs";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { root } from "../tidy/source-tree.ts";

const run = promisify(execFile);

describe("README.md, tried", function () {
  this.timeout(120_000);
  let cluster: LiveCluster;

  before(async function () {
    linkEntries();
    cluster = await startLiveCluster(this);
  });
  after(() => cluster?.stop());

  it("has an example of the SDK that makes an instance, shows its console and ends", async () => {
    const { url, cell, flavor, image, admin } = cluster;
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const example = /<!-- sdk -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    expect(example.trim().split("\n")).to.have.lengthOf(5);
    const code = example.replace('flavor: "tiny"', `flavor: "${flavor}"`).replace('"tiny"', `"${image}"`);
    const env = { ...process.env, NOVACT_URL: url, NOVACT_CELL: cell, NOVACT_PROJECT: "demo" };
    const argv = ["--input-type=module", "--eval", code];
    const { stdout } = await run(process.execPath, argv, { cwd: root, env, timeout: 60_000 });
    expect(stdout).to.include("READY");
    const { instances } = await admin.instance.list({ name: "five" });
    expect(instances.map(({ state }) => state)).to.deep.equal(["running"]);
  });
});
