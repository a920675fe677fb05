/**
 * Guests are moved to their CPUs: tested with processes that are no guests, which is the same for the kernel.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { type HostNumaNode, hostNumaNodes } from "../../../nodes/drivers/computer-facts.ts";
import { parseStat } from "../../../nodes/drivers/process-stat.ts";
import { CpuPools, type PooledGuest } from "../../../nodes/drivers/qemu/cpu-pools.ts";
import { silentLog } from "../../support/driver-world.ts";
import { skip } from "../../support/services.ts";

const listOf = (pid: number | undefined): string =>
  /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

describe("the CPU pools of a host", () => {
  let nodes: HostNumaNode[];
  let children: ChildProcess[] = [];
  before(async function () {
    nodes = await hostNumaNodes();
    if ((nodes[0]?.cpus.length ?? 0) < 2) skip(this, "there is no NUMA node with two CPUs");
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    children = [];
  });

  /** `own`: position of the guest's CPU in the first NUMA node; undefined: the guest shares CPUs. */
  const guest = (own: number | undefined, answers = true): PooledGuest => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    children.push(child);
    const pid = child.pid ?? 0;
    const { startTicks = 0 } = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? {};
    const cpu = nodes[0]?.cpus[own ?? 0] ?? 0;
    const pins = own === undefined ? undefined : { nodes: [nodes[0]?.node ?? 0], own: [cpu] };
    const vcpuThreads = async () => (answers ? [pid] : Promise.reject(new Error("It hangs.")));
    return { process: { pid, startTicks, pins }, vcpuThreads };
  };
  const pools = (...guests: readonly PooledGuest[]) => {
    const listed = [...guests];
    const opened = new CpuPools({ nodes: async () => nodes, guests: () => listed, log: silentLog });
    return { opened, listed };
  };
  const where = ({ process: { pid } }: PooledGuest) => listOf(pid);

  it("has each guest where it belongs, and gives CPUs back when nobody has them any more", async () => {
    const [own, shared] = [guest(0), guest(undefined)];
    const before = where(shared);
    const { opened, listed } = pools(own, shared);
    await opened.arrange(own);
    expect(where(own)).to.equal(String(nodes[0]?.cpus[0]));
    expect(where(shared)).not.to.equal(before);
    listed.shift();
    await opened.arrange();
    expect(where(shared)).to.equal(before);
  });

  it("lets no guest that begins or hangs keep another from its CPUs", async () => {
    const [own, mute, shared] = [guest(0), guest(1, false), guest(undefined)];
    const { opened } = pools(mute, own, shared);
    await opened.arrange(own);
    expect(where(own)).to.equal(String(nodes[0]?.cpus[0]));
    const failed = await opened.arrange(mute).catch((error: unknown) => error);
    expect(String(failed)).to.contain("It hangs.");
    await opened.arrange();
  });
});
