/** Which processes are a cluster's, and that one that does not answer is unknown and not gone. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "chai";
import { whyNone } from "../../../nodes/chaos/faults.ts";
import { lookFor, processesOf } from "../../../nodes/chaos/parties.ts";
import type { ClusterConfig } from "../../../nodes/config/config.ts";
import { readProcess } from "../../../nodes/drivers/process-table.ts";
import { programFile } from "../../../nodes/package/program-files.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

describe("the processes of a cluster", () => {
  let temporary: TemporaryDirectory;
  let child: ChildProcess;
  let config: ClusterConfig;
  before(async () => {
    temporary = await temporaryDirectory();
    const stateDirectory = join(temporary.path, "state");
    config = { file: join(temporary.path, "cluster.yaml"), stateDirectory } as ClusterConfig;
    // After its first output the kernel has the arguments of the program.
    const program = "process.stdout.write('.'); setInterval(() => undefined, 60_000)";
    const role = [programFile("main"), "controller", "--index", "1", "--config", config.file];
    const stdio = ["ignore", "pipe", "ignore"] as const;
    child = spawn(process.execPath, ["--eval", program, ...role], { stdio: [...stdio] });
    if (child.stdout !== null) await once(child.stdout, "data");
  });
  after(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await temporary.remove();
  });

  it("are found by what they were started with", async () => {
    const pidsOf = async (name: string) => (await processesOf(config, name)).map(({ pid }) => pid);
    expect(await pidsOf("controller-2")).to.deep.equal([child.pid]);
    expect(await pidsOf("controller-1")).to.deep.equal([]);
    expect(await pidsOf("nats")).to.deep.equal([]);
    const others = { ...config, file: join(temporary.path, "other.yaml") };
    expect(await processesOf(others, "controller-2")).to.deep.equal([]);
    expect((await lookFor(config, "controller-2")).unread).to.deep.equal([]);
  });

  it("are unknown when they do not answer, and are said to be", async () => {
    const silent = { read: async () => undefined };
    const facts = await readProcess(child.pid ?? 0, silent);
    expect(facts).to.deep.include({ pid: child.pid, argv: [], unread: true });
    expect(await readProcess(child.pid ?? 0)).not.to.have.property("unread");
    expect(whyNone("node-1", facts === undefined ? [] : [facts])).to.match(/^It is not known whether node-1/);
    expect(whyNone("guest", [])).to.equal("No guest runs at the moment.");
    expect(whyNone("node-1", [])).to.equal("node-1 does not run at the moment.");
  });
});
