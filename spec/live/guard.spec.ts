/**
 * The guard's process with real guests that write to their disks: the guard's contract, and the behaviour
 * that only real processes can show. Needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up
 * builds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { guardContract } from "../support/guard-contract.ts";
import { conditionOfProcess, GuardedHosts, sleep } from "../support/guarded-hosts.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const missing = missingForGuests();
const guest = guestOfSetup();
const agentFile = join(import.meta.dirname, "../support/guard-agent.ts");

describe("the guard of real guests", function () {
  this.timeout(120_000);
  before(function () {
    if (missing !== undefined || guest === undefined) skip(this, missing ?? "no guest was built");
  });
  if (missing !== undefined || guest === undefined) {
    it("guards them", () => undefined);
    return;
  }

  guardContract("the guard's process", { timeoutMs: 120_000, makeBench: () => GuardedHosts.make(guest) });

  describe("whatever becomes of the agent", () => {
    let hosts: GuardedHosts;
    let agent: ChildProcess;
    let deadlineMs = 0;

    beforeEach(async () => {
      hosts = await GuardedHosts.make(guest);
      const argv = [agentFile, join(hosts.path, "one/guard"), join(hosts.path, "one/guests"), "1200"];
      agent = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore"] });
      if (agent.stdout === null) throw new Error("The agent has no output.");
      const lines = createInterface(agent.stdout);
      lines.on("line", (line) => {
        deadlineMs = Number(line);
      });
      await new Promise((resolve) => lines.once("line", resolve));
    });
    afterEach(async () => {
      agent.kill("SIGKILL");
      await hosts.close();
    });

    for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
      it(`after ${signal} its guest is stopped at the deadline, and writes nothing any more`, async () => {
        const id = await hosts.startGuest({ fence: true });
        await sleep(1_500);
        expect(await hosts.conditionOf(id)).to.equal("running");
        expect(await hosts.isWritten(id)).to.equal(true);
        agent.kill(signal);
        const heldMs = deadlineMs;
        while ((await hosts.conditionOf(id)) === "running") await sleep(2);
        const lateMs = Date.now() - heldMs;
        console.info(`      stopped ${lateMs} ms after the deadline`);
        expect(lateMs).to.be.within(-20, 500);
        expect(await hosts.isWritten(id)).to.equal(false);
      });
    }

    it("ends with its directory, when there is nobody to guard", async () => {
      const { guardPid } = hosts;
      agent.kill("SIGKILL");
      rmSync(join(hosts.path, "one/guard"), { recursive: true });
      while (existsSync(`/proc/${guardPid}`)) await sleep(50);
    });

    it("the guard lives in a session of its own, is small, and only one lives at a time", async () => {
      const { guardPid } = hosts;
      const stat = readFileSync(`/proc/${guardPid}/stat`, "latin1");
      const [, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // The session's leader is its parent, the shell that restarts it.
      expect([group, session]).to.deep.equal([parent, parent]);
      expect(Number(session)).to.not.equal(Number(readFileSync("/proc/self/stat", "latin1").split(" ")[5]));
      const memory = readFileSync(`/proc/${guardPid}/smaps_rollup`, "utf8");
      const kib = (name: string) => Number(new RegExp(`^${name}: *([0-9]+)`, "m").exec(memory)?.[1]);
      console.info(`      PSS ${kib("Pss")} KiB, private and written ${kib("Private_Dirty")} KiB`);
      expect(kib("Private_Dirty")).to.be.below(15 * 1024);
      const argv = [join(import.meta.dirname, "../../nodes/drivers/qemu/guard-launch.ts")];
      const directories = [join(hosts.path, "one/guard"), join(hosts.path, "one/guests")];
      const second = spawn(process.execPath, [...argv, ...directories], { stdio: "ignore" });
      const code = await new Promise((resolve) => second.once("exit", resolve));
      expect(code, "that one lives is no failure").to.equal(0);
      expect(conditionOfProcess(guardPid)).to.equal("running");
    });
  });
});
