/**
 * A real guest, and processes of an ordinary user that look like it: they are not adopted, not signalled, no
 * finding of the doctor, and neither the proof by the storage nor the end of a fence waits for them, nor
 * anybody who lists the processes of the computer. Needs root, perl, /dev/fuse for the last of these,
 * qemu-system-x86_64 and the tiny guest that the set-up builds.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseStat } from "../../nodes/drivers/process-stat.ts";
import { GuardedHosts } from "../support/guarded-hosts.ts";
import { HangingStorage, missingForHangingStorage } from "../support/hanging-storage.ts";
import { Impostors, missingForImpostors } from "../support/impostors.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

describe("impostors of a real guest", function () {
  this.timeout(120_000);
  let hosts: GuardedHosts;
  let impostors: Impostors;

  beforeEach(async function () {
    const guest = guestOfSetup();
    const missing = missingForGuests() ?? missingForImpostors();
    if (missing !== undefined || guest === undefined) skip(this, missing ?? "no guest was built");
    else hosts = await GuardedHosts.make(guest);
    impostors = new Impostors();
  });
  afterEach(async () => {
    await impostors?.close();
    await hosts?.close();
  });

  /** The agent before lets go: QEMU talks to one at a time, and the next would wait for QEMU's greeting. */
  const nextAgent = async () => {
    await hosts.one.hypervisor.detach();
    return hosts.nextLife();
  };
  const stateOf = (pid: number) => parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))?.state;

  it("are nobody's guests, before it, beside it and after it", async () => {
    const lease = { hostId: "one", leaseEpoch: 1 };
    await hosts.one.storageLeases?.hold(lease);
    // The first impostor starts before the guest, so that its pid is lower.
    const id = await hosts.startGuest({ fence: true, before: early });
    const directory = join(hosts.path, "one/guests", id);
    const pids = [
      ...earlyPids,
      await impostors.start({ instanceId: id, directory, ownerEpoch: 1 }),
      await impostors.start({ instanceId: id, directory, ownerEpoch: 99, undumpable: true }),
      await impostors.start({ instanceId: id, directory, ownerEpoch: 99, program: "setpriv" }),
    ];
    expect(await hosts.one.storageLeases?.hold(lease), "proof by storage").to.equal("held");
    const agent = await nextAgent();
    const found = await agent.hypervisor.list();
    expect(found.map(({ pid, ownerEpoch }) => ({ pid, ownerEpoch }))).to.deep.equal([
      { pid: hosts.pidOf(id), ownerEpoch: 1 },
    ]);
    const { processes, strays } = await agent.audit();
    expect({ pids: processes.map(({ pid }) => pid), strays }).to.deep.equal({
      pids: [hosts.pidOf(id)],
      strays: [],
    });
    const guard = await hosts.open();
    await guard.extend(hosts.nowMs() + 200);
    while ((await hosts.conditionOf(id)) !== "stopped") await hosts.pass(10);
    expect(pids.map(stateOf), "none is stopped").to.deep.equal(pids.map(() => "S"));
    // The host was fenced: it ends its guest, and is clean.
    await agent.hypervisor.halt(id, AbortSignal.timeout(60_000));
    expect(await agent.hypervisor.list()).to.deep.equal([]);
    await guard.end();
    expect(pids.map(stateOf), "none was killed").to.deep.equal(pids.map(() => "S"));
    expect(await hosts.one.storageLeases?.hold(lease)).to.equal("held");
    await agent.hypervisor.detach();
  });

  it("keep neither the agent nor the guard waiting when their arguments cannot be read", async function () {
    const missing = missingForHangingStorage();
    if (missing !== undefined) skip(this, missing);
    const directory = join(hosts.path, "hanging");
    mkdirSync(directory, { mode: 0o755 });
    const storage = await HangingStorage.mount(directory);
    try {
      writeFileSync(join(storage.behind, "page"), Buffer.alloc(8_192, "x"));
      const id = await hosts.startGuest({ fence: true });
      const page = join(storage.directory, "page");
      const work = { instanceId: id, directory: join(hosts.path, "one/guests", id), ownerEpoch: 1, page };
      // More than the threads that Node has for files.
      const pids: number[] = [];
      while (pids.length < 5) pids.push(await impostors.start(work));
      await storage.hang();
      await Promise.all(pids.map((pid) => impostors.hang(pid)));
      const agent = await nextAgent();
      for (let look = 0; look < 3; look += 1)
        expect((await agent.hypervisor.list()).map(({ pid }) => pid)).to.deep.equal([hosts.pidOf(id)]);
      const guard = await hosts.open();
      await guard.extend(hosts.nowMs() + 200);
      while ((await hosts.conditionOf(id)) !== "stopped") await hosts.pass(10);
      await guard.extend(hosts.nowMs() + 9_000);
      expect(await hosts.conditionOf(id)).to.equal("running");
      await agent.hypervisor.halt(id, AbortSignal.timeout(60_000));
      await guard.end();
      await agent.hypervisor.detach();
    } finally {
      await storage.answer();
      await impostors.close();
      await storage.close();
    }
  });

  const earlyPids: number[] = [];
  async function early(instanceId: string, directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    earlyPids.push(await impostors.start({ instanceId, directory, ownerEpoch: 99 }));
  }
});
