/** Who looks at the link to the outside keeps no agent alive that ends. Needs root, unshare and iproute2. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { skip } from "../../../../support/services.ts";
import { root } from "../../../../tidy/source-tree.ts";

const routing = join(root, "nodes/drivers/bridge-network/routing/announcer.ts");
const clock = join(root, "nodes/process/clock.ts");

/** Looks at the link in its own network, says so, and has nothing more to do. */
const agent = `
  const { Announcer } = await import(${JSON.stringify(routing)});
  const { systemClock } = await import(${JSON.stringify(clock)});
  const log = { warn: (fields) => console.log("lost " + JSON.stringify(fields)) };
  const outside = { space: "one", device: "none", parent: "none", mac: "", address: "", gateway: null };
  const space = { path: "/proc/self/ns/net", run: async () => ({ exitCode: 0, output: "", errors: "" }) };
  new Announcer(systemClock, log, () => undefined).settled({ ...outside, ranges: [], customers: [] }, space);
  console.log("looks");
`;

describe("who looks at the link to the outside", function () {
  this.timeout(60_000);

  it("ends with an agent that has nothing more to do", function () {
    if (process.getuid?.() !== 0) skip(this, "not root: nobody enters a network");
    for (const tool of ["nsenter", "setpriv", "ip"])
      if (spawnSync(tool, ["-V"], { stdio: "ignore" }).error !== undefined)
        skip(this, `${tool} is not installed`);
    const argv = ["--input-type=module", "--eval", agent];
    const { status, signal, stdout } = spawnSync(process.execPath, argv, {
      encoding: "utf8",
      timeout: 50_000,
    });
    expect({ status, signal, stdout }).to.deep.equal({ status: 0, signal: null, stdout: "looks\n" });
  });
});
