/**
 * The drivers' facts about their host: processes, users, accelerators, and QEMU's states and events, by
 * value.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { guestUser, mapsUid } from "../../../nodes/drivers/guest-user.ts";
import { parseStat } from "../../../nodes/drivers/process-stat.ts";
import { isAlive, readProcess, signalProcess, waitGone } from "../../../nodes/drivers/process-table.ts";
import { chooseAccelerator, kvmAccess } from "../../../nodes/drivers/qemu/accelerator.ts";
import { meaningOf, statusOf } from "../../../nodes/drivers/qemu/guest-events.ts";
import { systemClock, systemIds } from "../../../nodes/process/clock.ts";
import { silentLog, temporaryDirectory } from "../../support/driver-world.ts";

describe("the process table", () => {
  const stat = (state: string, threads: number) =>
    `42 (a (b) c) ${state} 1 42 42 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 ${threads} 0 4711 1 1`;

  it("reads state and start time behind a name with parentheses and spaces", () => {
    expect(parseStat(stat("S", 3))).to.deep.equal({ state: "S", startTicks: 4711, dead: false });
  });

  it("calls a zombie dead, but not one whose other threads still run", () => {
    expect(parseStat(stat("Z", 1))?.dead).to.equal(true);
    expect(parseStat(stat("Z", 2))?.dead).to.equal(false);
    expect(parseStat("")).to.equal(undefined);
  });

  it("knows a living process, and never mistakes another of the same number for it", async () => {
    const own = await readProcess(process.pid);
    if (own === undefined) throw new Error("This process does not find itself.");
    expect(own.argv.join(" ")).to.include("mocha");
    expect(await isAlive(own)).to.equal(true);
    const other = { pid: own.pid, startTicks: own.startTicks + 1 };
    expect(await isAlive(other)).to.equal(false);
    expect(await signalProcess(other, "SIGKILL")).to.equal(false);
    expect(await readProcess(2 ** 22 + 1)).to.equal(undefined);
  });

  it("sees the end of a process, and that one does not end", async () => {
    const child = spawn("sleep", ["30"], { stdio: "ignore" });
    const facts = await readProcess(child.pid ?? 0);
    if (facts === undefined) throw new Error("The child is not there.");
    expect(await waitGone(facts, { timeoutMs: 10, clock: systemClock })).to.equal(false);
    expect(await signalProcess(facts, "SIGKILL")).to.equal(true);
    expect(await waitGone(facts, { timeoutMs: 5_000, clock: systemClock })).to.equal(true);
  });
});

describe("a guest's user", () => {
  const whole = "         0          0 4294967295\n";
  const container = "         0     100000      65536\n";

  it("is its own, always the same, in a range that nobody gives out", function () {
    if (process.getuid?.() !== 0) this.skip();
    const users = ["a", "b", "c"].map((id) => guestUser(id, whole)?.uid ?? 0);
    expect(new Set(users).size).to.equal(3);
    expect(guestUser("a", whole)).to.deep.equal({ uid: users[0], gid: users[0] });
    for (const uid of users) expect(uid).to.be.within(0x7000_0000, 0x7fff_fffe);
  });

  it("is nobody where the user namespace lacks that range", function () {
    if (process.getuid?.() !== 0) this.skip();
    expect(guestUser("a", container)).to.deep.equal({ uid: 65_534, gid: 65_534 });
  });

  it("needs the whole range in one piece", () => {
    expect(mapsUid(whole, 0x7fff_ffff)).to.equal(true);
    expect(mapsUid(container, 0x7fff_ffff)).to.equal(false);
    expect(mapsUid("", 0x7fff_ffff)).to.equal(false);
  });
});

describe("the accelerator", () => {
  const user = { uid: 1_900_000_000, gid: 1_900_000_000 };
  const choose = (wanted: "auto" | "kvm" | "tcg", device: string) =>
    chooseAccelerator({
      ...{ wanted, device, clock: systemClock, ids: systemIds(0), log: silentLog },
      ...{
        executable: "qemu-system-x86_64",
        version: async () => "1",
        probe: undefined,
        directory: "/",
        cacheFile: "/none",
      },
    });

  it("is TCG without the device, and says so", async () => {
    const { reason, ...choice } = await choose("auto", "/dev/none");
    expect(choice).to.deep.equal({ accelerator: "tcg", groups: [] });
    expect(reason).to.match(/^There is no \/dev\/none\. To have it: .+ modprobe kvm_intel/);
  });

  it("is what the configuration says", async () => {
    expect((await choose("tcg", "/dev/null")).reason).to.equal("The configuration says tcg.");
    expect((await choose("kvm", "/dev/null")).accelerator).to.equal("kvm");
    expect((await choose("kvm", "/dev/none")).reason).to.match(/says kvm\. There is no/);
  });

  it("is TCG when there is no guest to try KVM with: that the device opens proves nothing", async () => {
    expect((await choose("auto", "/dev/null")).accelerator).to.equal("tcg");
  });

  it("is closed to guests that may not open the device, and says its mode", async () => {
    const place = await temporaryDirectory();
    const device = join(place.path, "kvm");
    await writeFile(device, "", { mode: 0o600 });
    const next = `chgrp kvm ${device} && chmod 660 ${device}`;
    expect(kvmAccess(device, user).refusal).to.contain("mode 600").and.contain(next);
    expect((await choose("auto", device)).reason).to.contain(next);
    expect(kvmAccess(device, undefined).refusal).to.equal(undefined);
    expect(kvmAccess("/dev/null", user).refusal).to.equal(undefined);
    await place.remove();
  });
});

describe("QEMU's states", () => {
  const cases = {
    running: "running",
    paused: "paused",
    prelaunch: "paused",
    "io-error": "paused",
    shutdown: "shutdown",
    "guest-panicked": "panicked",
    "internal-error": "panicked",
  } as const;
  for (const [told, status] of Object.entries(cases)) {
    it(`${told} means ${status}`, () => {
      expect(statusOf({ status: told, running: false })).to.equal(status);
    });
  }
});

describe("QEMU's events", () => {
  const event = (name: string, data = {}) => ({ name, data });

  it("tell of a pause only while the guest runs: its end stops the CPUs as well", () => {
    expect(meaningOf(event("STOP"), "running")).to.include({ kind: "paused", status: "paused" });
    for (const status of ["shutdown", "panicked", "paused"] as const) {
      expect(meaningOf(event("STOP"), status)).to.equal(undefined);
    }
  });

  it("tell of a shutdown or reset by the guest, not of ours", () => {
    expect(meaningOf(event("SHUTDOWN", { guest: true }), "running")?.kind).to.equal("shutdown");
    expect(meaningOf(event("SHUTDOWN", { guest: false }), "running")).to.equal(undefined);
    expect(meaningOf(event("RESET", { guest: true }), "running")?.kind).to.equal("reset");
    expect(meaningOf(event("RESET", { guest: false }), "running")).to.equal(undefined);
  });

  it("tell of a panic, and nothing of what does not matter", () => {
    expect(meaningOf(event("GUEST_PANICKED"), "running")?.kind).to.equal("panicked");
    expect(meaningOf(event("NIC_RX_FILTER_CHANGED"), "running")).to.equal(undefined);
  });
});
