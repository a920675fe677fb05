/**
 * The guard's process with real guests that write to their disks: the guard's contract, and the behaviour
 * that only real processes can show. Needs qemu-system-x86_64, qemu-img and the tiny guest that the set-up
 * builds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { parseStat } from "../../nodes/drivers/process-stat.ts";
import {
  guardContract,
  type HangingBench,
  hangingGuardContract,
  startHeld,
} from "../support/guard-contract.ts";
import { conditionOfProcess, GuardedHosts, sleep } from "../support/guarded-hosts.ts";
import { missingForHangingStorage } from "../support/hanging-storage.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

const missing = missingForGuests();
const guest = guestOfSetup();
const agentFile = join(import.meta.dirname, "../support/guard-agent.ts");

/** Asks QEMU for something that makes its main thread look at the disk, and does not wait for an answer. */
function askAboutDisk(hosts: GuardedHosts, instanceId: string): void {
  const monitor = connect(join(hosts.path, "one/guests", instanceId, "run/qmp-debug"));
  monitor.on("error", () => undefined);
  monitor.write('{"execute":"qmp_capabilities"}\n{"execute":"query-block"}\n');
}

/** Whether the first thread of a process waits in the kernel for an answer of a FUSE file system. */
const waitsForFuse = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/task/${pid}/wchan`, "utf8") === "request_wait_answer";

const statesOf = (pid: number) => {
  const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  return threads.map((thread) => {
    try {
      return parseStat(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1"))?.state ?? "X";
    } catch {
      return "X";
    }
  });
};

/** Compares the guard's word with the kernel's, from before the deadline until the guest is gone. */
async function saysWhatIsTrue(hosts: GuardedHosts & HangingBench, alsoItsLeader: boolean): Promise<void> {
  const log = () => readFileSync(join(hosts.path, "one/guard/log"), "utf8");
  const guard = await hosts.open();
  const id = await startHeld(hosts, guard);
  const pid = hosts.pidOf(id);
  // Made before: an agent looks at the storage when it starts.
  const agent = hosts.nextLife();
  await hosts.hang();
  // The guest writes some twenty times a second.
  await sleep(500);
  if (alsoItsLeader) askAboutDisk(hosts, id);
  // Until a signal comes, the state of a thread that waits for FUSE is S, as of any other that waits.
  for (let round = 0; alsoItsLeader && !waitsForFuse(pid) && round < 1_000; round += 1) await sleep(10);
  expect(waitsForFuse(pid)).to.equal(alsoItsLeader);
  await guard.extend(hosts.nowMs() + 300);
  while (!log().includes("SIGKILL")) await sleep(5);
  const killedStates = statesOf(pid);
  console.info(`      threads after SIGKILL: ${killedStates.join(" ")}`);
  expect(log()).to.not.match(/every thread is stopped|no thread is left/);
  expect(killedStates, "a thread waits for the storage").to.include("D");
  // A new agent finds it, though its leader may be a zombie without arguments, and cannot end it.
  expect((await agent.hypervisor.list()).map(({ instanceId }) => instanceId)).to.deep.equal([id]);
  const halted = await agent.hypervisor.halt(id, AbortSignal.timeout(1_000)).catch((error: Error) => error);
  expect(halted).to.be.instanceOf(Error);
  await agent.hypervisor.detach();
  expect(log()).to.not.include("no thread is left");
  await hosts.answer();
  while (!log().includes("no thread is left")) await sleep(20);
  expect(statesOf(pid).filter((state) => !/[ZX]/.test(state))).to.deep.equal([]);
}

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

  describe("on a file system that hangs", () => {
    before(function () {
      const unable = missingForHangingStorage();
      if (unable !== undefined) skip(this, unable);
      // Its guests and its guard live on emulated storage: beside other work it takes minutes.
      if (process.env.NOVACT_GUARD !== "full") skip(this, "it wants a quiet computer: NOVACT_GUARD=full");
    });
    const onHanging = { timeoutMs: 120_000, makeBench: () => GuardedHosts.makeOnHangingStorage(guest) };
    hangingGuardContract("the guard's process", onHanging);

    for (const { who, alsoItsLeader } of [
      { who: "one thread", alsoItsLeader: false },
      { who: "one thread and the leader, so that no thread stops", alsoItsLeader: true },
    ])
      it(`says of a guest of which ${who} waits only what the kernel shows`, async () => {
        const hosts = await GuardedHosts.makeOnHangingStorage(guest);
        try {
          await saysWhatIsTrue(hosts, alsoItsLeader);
        } finally {
          await hosts.close();
        }
      });
  });

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
