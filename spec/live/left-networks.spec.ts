/**
 * What `up` leaves of its guests' networks on the computer, as root, with the network driver that it chooses
 * itself: nothing. In a network namespace of its own, so that no other program changes what is compared, and
 * nothing of the computer that runs the specs is changed.
 */
import { chmodSync, cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { exitCodes } from "../../nodes/package/exit-codes.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import {
  makePrivateComputer,
  type NetworkPicture,
  type PrivateComputer,
} from "../support/private-computer.ts";
import { skip } from "../support/services.ts";
import { processesWith, UpRun } from "../support/up-run.ts";

const main = join(import.meta.dirname, "../../nodes/main.ts");
describe("the networks of up, when it has ended", function () {
  this.timeout(240_000);
  let directory: string;
  let config: string;
  let computer: PrivateComputer;
  let untouched: NetworkPicture;
  const runs: UpRun[] = [];

  const start = (): UpRun => {
    const run = new UpRun(config, { program: [...computer.entrance, process.execPath, main] });
    runs.push(run);
    return run;
  };
  const started = async (): Promise<UpRun> => {
    const run = start();
    await run.says("What now?");
    expect(run.output).to.contain("networks by the driver bridge");
    return run;
  };
  const ends = async (run: UpRun) => {
    run.child.kill("SIGINT");
    expect(await run.ended).to.deep.equal({ code: exitCodes.interrupted.exit, signal: null });
  };
  const killAll = async () => {
    for (;;) {
      const found = processesWith(directory);
      if (found.length === 0) return;
      for (const { pid } of found)
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
        }
      await sleep(50);
    }
  };
  const nothingIsLeft = () => {
    expect(processesWith(directory)).to.deep.equal([]);
    expect(computer.inside()).to.deep.equal([computer.pid]);
    expect(computer.look()).to.deep.equal(untouched);
  };

  before(async function () {
    const missing = missingForGuests() ?? missingForBridges();
    const guest = guestOfSetup();
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    directory = mkdtempSync(join(tmpdir(), "novact-left-"));
    chmodSync(directory, 0o711);
    cpSync(guest.directory, join(directory, "state", "guest"), { recursive: true });
    chmodSync(join(directory, "state"), 0o711);
    config = join(directory, "cluster.yaml");
    const node = (name: string) => `{ name: ${name}, accelerator: tcg, memoryMib: 256 }`;
    const nodes = `nodes: [${node("node-1")}, ${node("node-2")}]`;
    writeFileSync(config, `stateDirectory: state\nnats: { port: 0 }\n${nodes}\n`);
    computer = await makePrivateComputer();
    untouched = computer.look();
  });
  after(async () => {
    for (const { child } of runs) if (child.exitCode === null) child.kill("SIGKILL");
    if (directory === undefined) return;
    await killAll();
    await computer?.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it("are gone with the guests after Ctrl-C, and nothing else was touched", async () => {
    const run = await started();
    await run.says("NOVACT-GUEST READY hostname=hello");
    await run.says(/instance friend boots now/);
    expect(computer.look()).not.to.deep.equal(untouched);
    await ends(run);
    nothingIsLeft();
  });

  it("are gone after Ctrl-C while the nodes begin", async () => {
    const run = start();
    await run.says("networks by the driver bridge");
    await ends(run);
    nothingIsLeft();
  });

  it("are gone after Ctrl-C of a second run, when the first one was killed and its guests were left", async () => {
    const run = await started();
    run.child.kill("SIGKILL");
    await run.ended;
    await ends(await started());
    nothingIsLeft();
  });

  it("are gone after Ctrl-C of a second run, when the first one was killed with all its processes", async () => {
    await started();
    await killAll();
    await ends(await started());
    nothingIsLeft();
  });
});
