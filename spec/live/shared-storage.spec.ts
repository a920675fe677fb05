/**
 * Disks on shared storage, with real QEMU and real users: which users may reach them, and that two processes
 * never have one disk open.
 */
import { execFileSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { GuardedHosts, sleep } from "../support/guarded-hosts.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

/** The kernel takes a moment to end a process. */
async function expectSoon<T>(wanted: T, look: () => Promise<T>): Promise<void> {
  for (let round = 0; round < 100 && (await look()) !== wanted; round += 1) await sleep(20);
  expect(await look()).to.equal(wanted);
}

const never = new AbortController().signal;

describe("disks on shared storage", function () {
  this.timeout(120_000);
  const missing = missingForGuests();
  const guest = guestOfSetup();
  let hosts: GuardedHosts;

  beforeEach(async function () {
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    hosts = await GuardedHosts.make(guest);
  });
  afterEach(() => hosts?.close());

  it("are closed to everybody but the guest's own user, and found through closed directories", async () => {
    const id = await hosts.startGuest({ fence: false });
    const disk = join(hosts.path, "shared/guests", `${id}.e1`, "disk.qcow2");
    const modes = await Promise.all(
      [disk, dirname(disk), join(hosts.path, "shared/guests"), join(hosts.path, "shared")].map((path) =>
        stat(path),
      ),
    );
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).to.deep.equal(["600", "711", "711", "711"]);
    const status = await readFile(`/proc/${hosts.pidOf(id)}/status`, "utf8");
    expect(modes[0]?.uid).to.equal(Number(/^Uid:\t([0-9]+)/m.exec(status)?.[1]));
    expect(modes[1]?.uid).to.equal(process.getuid?.());
    const info = JSON.parse(execFileSync("qemu-img", ["info", "-U", "--output=json", disk]).toString());
    expect(info["backing-filename"]).to.match(/^\.\.\/\.\.\/images\/[0-9a-f]{64}$/);
    expect(hosts.one.storageId).to.be.a("string").and.to.equal(hosts.other.storageId);
  });

  it("are opened by a second process only when the first has ended", async () => {
    const id = await hosts.startGuest({ fence: false });
    await hosts.takeOver(id);
    let opened = false;
    const second = hosts.canOpenDisk(id).then((answer) => {
      opened = true;
      return answer;
    });
    await sleep(1_500);
    expect(opened).to.equal(false);
    process.kill(hosts.pidOf(id), "SIGKILL");
    expect(await second).to.equal(true);
    expect((await hosts.other.audit()).strays).to.deep.equal([]);
    await hosts.other.hypervisor.halt(id, never);
    await hosts.other.disks.release(id, 2);
    await hosts.one.disks.release(id, 1);
    for (const drivers of [hosts.one, hosts.other]) expect(await drivers.disks.list()).to.deep.equal([]);
    expect(execFileSync("ls", [join(hosts.path, "shared/guests")]).toString()).to.equal("");
  });

  it("have a lease that a guest holds until its process ends, whatever becomes of the agent", async () => {
    const lease = { hostId: "one", leaseEpoch: 1 };
    const [own, other] = [hosts.one.storageLeases, hosts.other.storageLeases];
    if (own === undefined || other === undefined) throw new Error("There are no leases.");
    expect(await own.hold(lease)).to.equal("held");
    const id = await hosts.startGuest({ fence: true });
    await own.close();
    expect(await other.examine(lease, true)).to.equal("held");
    // The next life of the agent finds the guest again, and that the guest holds the storage lease.
    expect(await own.hold(lease)).to.equal("held");
    await own.close();
    process.kill(hosts.pidOf(id), "SIGSTOP");
    expect(await other.examine(lease, true)).to.equal("held");
    process.kill(hosts.pidOf(id), "SIGKILL");
    await expectSoon("taken", () => other.examine(lease, true));
    expect(await own.hold(lease)).to.equal("taken");
    await own.close();
  });

  it("have no lease that covers a guest that was begun without it", async () => {
    const [own, other] = [hosts.one.storageLeases, hosts.nextLife().storageLeases];
    const id = await hosts.startGuest({ fence: true });
    expect(await own?.hold({ hostId: "one", leaseEpoch: 1 })).to.equal("uncovered");
    await own?.close();
    expect(await other?.hold({ hostId: "one", leaseEpoch: 1 })).to.equal("uncovered");
    process.kill(hosts.pidOf(id), "SIGKILL");
    await expectSoon("held", async () => other?.hold({ hostId: "one", leaseEpoch: 1 }));
    await other?.close();
  });

  it("that stay open make a start fail with a reason, after some patience", async () => {
    const id = await hosts.startGuest({ fence: false });
    await hosts.takeOver(id);
    const failed = await hosts.canOpenDisk(id).catch((error: unknown) => error);
    expect(failed).to.include({ reason: "hypervisorRefused" });
    expect(failed)
      .to.have.property("message")
      .that.matches(/in use by another process/);
    expect((await hosts.other.audit()).processes).to.deep.equal([]);
  });
});
