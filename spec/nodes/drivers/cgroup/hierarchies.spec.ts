/** Which cgroups a computer has, read from what its kernel says; and the bounds of a guest, by value. */
import { expect } from "chai";
import { boundsOf, settingsOf } from "../../../../nodes/drivers/cgroup/bounds.ts";
import { entering } from "../../../../nodes/drivers/cgroup/entry.ts";
import { groupName, parseGroupName } from "../../../../nodes/drivers/cgroup/group-name.ts";
import { hierarchiesOf } from "../../../../nodes/drivers/cgroup/hierarchies.ts";
import { shortOfIn } from "../../../../nodes/drivers/cgroup/kernel-log.ts";
import { lossByEnd } from "../../../../nodes/drivers/cgroup/loss.ts";
import { wantedHierarchies } from "../../../../nodes/drivers/cgroup/wanted.ts";

const line = (root: string, at: string, type: string, options: string) =>
  `31 23 0:28 ${root} ${at} rw,relatime shared:9 - ${type} ${type} ${options}`;
const other = "25 1 0:6 / /dev rw,nosuid - devtmpfs udev rw,size=4k";

describe("the cgroups of a computer", () => {
  it("are those of version 2 alone, as on today's distributions", () => {
    const mounts = [other, line("/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate")].join("\n");
    expect(hierarchiesOf(mounts, "0::/system.slice/novact.service\n")).to.deep.equal([
      {
        ...{ version: 2, root: "/", top: "/sys/fs/cgroup", controllers: [] },
        own: "/sys/fs/cgroup/system.slice/novact.service",
      },
    ]);
  });

  it("are of both versions beside each other, one with two controllers and those mounted twice as a whole", () => {
    const mounts = [
      line("/b", "/part", "cgroup", "rw,cpu,cpuacct"),
      line("/elsewhere", "/unusable", "cgroup2", "rw"),
      line("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
      line("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
      line("/", "/other/memory", "cgroup", "rw,memory"),
      line("/", "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd"),
      line("/", "/sys/fs/cgroup/unified", "cgroup2", "rw"),
    ].join("\n");
    const own = "4:memory:/a\n3:cpu,cpuacct:/b\n1:name=systemd:/c\n0::/\n";
    expect(hierarchiesOf(mounts, own).map((one) => [one.version, one.own])).to.deep.equal([
      [1, "/sys/fs/cgroup/cpu,cpuacct/b"],
      [1, "/sys/fs/cgroup/memory/a"],
      [1, "/sys/fs/cgroup/systemd/c"],
      [2, "/sys/fs/cgroup/unified"],
    ]);
  });

  it("are seen from inside a container by their names there, and not those outside of what it sees", () => {
    const mounts = line("/docker/x", "/sys/fs/cgroup/with\\040space", "cgroup2", "rw");
    expect(hierarchiesOf(mounts, "0::/docker/x/y")[0]?.own).to.equal("/sys/fs/cgroup/with space/y");
    expect(hierarchiesOf(mounts, "0::/elsewhere")).to.deep.equal([]);
  });

  it("are none that are mounted read-only, or not at all", () => {
    const readOnly = line("/", "/sys/fs/cgroup", "cgroup2", "rw").replace("rw,", "ro,");
    expect(hierarchiesOf(`${readOnly}\n${other}`, "0::/\n")).to.deep.equal([]);
  });

  it("can be left out by a word, and another word is refused", () => {
    const both = hierarchiesOf(
      [line("/", "/a", "cgroup", "rw,pids"), line("/", "/b", "cgroup2", "rw")].join("\n"),
      "2:pids:/\n0::/\n",
    );
    const versions = (word: string | undefined) =>
      wantedHierarchies(word, () => both).hierarchies.map(({ version }) => version);
    expect([undefined, "", "v1", "none"].map(versions)).to.deep.equal([[1, 2], [1, 2], [1], []]);
    expect(() => versions("v2")).to.throw("NOVACT_CGROUPS is v2");
  });
});

describe("the bounds of a guest", () => {
  const small = boundsOf({ vcpus: 1, memoryMib: 128 });
  const textsOf = (version: 1 | 2, vcpus = 1) =>
    (["memory", "pids", "cpu"] as const).flatMap((controller) =>
      settingsOf(controller, version, boundsOf({ vcpus, memoryMib: 128 })).map(
        ({ file, text }) => `${file}=${text}`,
      ),
    );

  it("are its memory and what QEMU needs beside, its threads, its weight, and more CPUs than it has", () => {
    expect(small).to.deep.equal({ memoryMib: 394, swapMib: 128, processes: 129, vcpus: 1 });
    expect(textsOf(1)).to.deep.equal([
      ...["memory.limit_in_bytes=413138944", "memory.memsw.limit_in_bytes=547356672", "pids.max=129"],
      ...["cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=300000"],
    ]);
    expect(textsOf(2)).to.deep.equal([
      ...["memory.max=413138944", "memory.swap.max=134217728", "memory.oom.group=1", "pids.max=129"],
      ...["cpu.weight=100", "cpu.max=300000 100000"],
    ]);
  });

  it("have no weight above the largest that the kernel takes", () => {
    expect(textsOf(1, 500)).to.include("cpu.shares=262144");
    expect(textsOf(2, 500)).to.include("cpu.weight=10000");
  });

  it("hold from before the first program of the guest, by a shell that becomes it", () => {
    const launch = { command: "prlimit", argv: ["--core=0", "qemu"] };
    expect(entering([], launch)).to.deep.equal(launch);
    const { command, argv } = entering(["/a b", "/c"], launch);
    expect(command).to.equal("sh");
    expect(argv.slice(2)).to.deep.equal(["sh", "/a b", "/c", "--", "prlimit", "--core=0", "qemu"]);
  });

  it("are found by the name of the guest's cgroup, which tells whether others may take the guest over", () => {
    for (const tag of [
      { instanceId: "a-1", ownerEpoch: 3 },
      { instanceId: "a-1", ownerEpoch: 3, fence: true },
    ])
      expect(parseGroupName(groupName(tag))).to.deep.equal(tag);
    expect(parseGroupName("a-1")).to.equal(undefined);
    expect(parseGroupName("../x.1")).to.equal(undefined);
  });

  it("are the reason of an end that the process itself came to, and not of one that others brought", () => {
    const by = (reason: "processesExceeded" | "memoryExceeded", signal: string | null | undefined) =>
      lossByEnd({ reason, message: "" }, signal)?.reason;
    for (const own of [null, "SIGABRT", "SIGTRAP"])
      expect(by("processesExceeded", own)).to.equal("processesExceeded");
    for (const foreign of ["SIGKILL", "SIGTERM", undefined])
      expect(by("processesExceeded", foreign)).to.equal(undefined);
    expect(by("memoryExceeded", "SIGKILL")).to.equal("memoryExceeded");
    expect(lossByEnd(undefined, "SIGXFSZ")?.reason).to.equal("fileExceeded");
  });
});

describe("the kernel's log of a guest that was ended for want of memory", () => {
  const [host, guest] = ["novact.h-12345678", "a-1.1.fence"];
  const killed = (about: string) =>
    `6,812,93218,-;oom-kill:constraint=${about},task=qemu-system-x86,pid=12,uid=1900000000`;
  const inGroup = (oom: string, task: string) =>
    killed(`CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${oom},task_memcg=${task}`);
  const everywhere = (task: string) =>
    killed(`CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=${task}`);
  const path = `/${host}/${guest}`;
  const of = (...lines: readonly string[]) => shortOfIn(lines, `${host}/${guest}`);

  it("tells the guest's own bound from that of a cgroup around it, and from the whole computer", () => {
    expect(of(inGroup(path, path))).to.equal("own");
    expect(of(inGroup(`/docker/x${path}`, `/docker/x${path}`))).to.equal("own");
    expect(of(inGroup(`/${host}`, path))).to.equal("around");
    expect(of(everywhere(path))).to.equal("around");
  });

  it("says nothing of another guest, and counts the last line about this one", () => {
    const other = `/${host}/b-1.1`;
    expect(of("6,1,1,-;Out of memory: Killed process 12", inGroup(other, other))).to.equal(undefined);
    expect(of(inGroup(path, path), everywhere(path), inGroup(other, other))).to.equal("around");
    expect(of(everywhere(path), inGroup(path, path))).to.equal("own");
  });
});
