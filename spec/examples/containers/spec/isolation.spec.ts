/** What a container sees and may do: told by a program in it, and by the kernel outside of it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect } from "chai";
import { Cgroup } from "../src/cgroup.ts";
import { cgroupParent, hierarchies } from "../src/host.ts";
import { containerLimits } from "../src/limits.ts";
import { recordedUids } from "../src/uid-range.ts";
import { ContainerWorld, needsContainers } from "./world.ts";

const never = new AbortController().signal;

/** Each line is a question, answered by `yes` or `no`. */
const probe = [
  ...[
    "/proc/sys/kernel/hostname",
    "/sys/kernel/mm/ksm/run",
    "/proc/sysrq-trigger",
    "/sys/fs/cgroup/cgroup.procs",
  ]
    .map((path) => `echo 1 > ${path}`)
    .concat(["mount -t tmpfs none /tmp", "mknod /tmp/disk b 7 0", "unshare -r true", "unshare -n true"])
    .concat([
      "hostname other",
      "dmesg",
      "chroot / true",
      "dd if=/proc/kcore bs=1 count=1 2>/dev/null | grep -q .",
      "kill -9 $(cat /tmp/none)",
    ]),
].map((command) => `if ${command} >/tmp/said 2>&1; then echo "may ${command}"; fi`);

const report = [
  ...[
    "echo $$",
    "id -u",
    "cat /proc/self/cgroup",
    "grep -E '^(Cap|NoNew|Seccomp)' /proc/self/status",
    "hostname",
  ],
  ...["ls /proc | grep -c '^[0-9]'", "ls /sys/class/net", "cat /proc/self/uid_map", "ls -l /proc/self/fd"],
];
const reporting = report.map((command, index) => `echo "> ${index}"\n${command} 2>&1`);

describe("a container", function () {
  this.timeout(60_000);
  let world: ContainerWorld;
  let said: string;
  let pids: readonly number[];
  let uidFirst: number;
  before(async function () {
    needsContainers(this);
    world = new ContainerWorld();
    const image = world.tarImage({
      "sbin/probe": [
        ...reporting,
        ...probe,
        "echo by its name > /dev/stdout",
        "echo all said",
        "while :; do sleep 1; done",
      ].join("\n"),
    });
    const spec = world.spec(image, {}, "init=/sbin/probe GREETING=hello");
    const paths = await world.disks.ensure(spec, never);
    await world.agent().start(spec, paths, never);
    said = await world.untilSaid(spec.instanceId, "all said");
    uidFirst = (await recordedUids(paths.directory)) ?? 0;
    pids = new Cgroup(hierarchies(), cgroupParent(world.host), `${spec.instanceId}.1`).processes();
  });
  after(() => world?.close());

  const answers = (command: string) => {
    const [, rest = ""] = said.split(`> ${report.indexOf(command)}\n`);
    return (rest.split(/\n> |\nmay |\nall said/)[0] ?? "").trim().split("\n");
  };

  it("is the first process of its own, root of its own users, and in no group of the host's that it could see", () => {
    expect(answers("echo $$")).to.deep.equal(["1"]);
    expect(answers("id -u")).to.deep.equal(["0"]);
    expect(answers("hostname")).to.deep.equal(["web-1"]);
    for (const line of answers("cat /proc/self/cgroup")) expect(line).to.match(/:\/$/);
    expect(Number(answers("ls /proc | grep -c '^[0-9]'")[0])).to.be.below(6);
  });

  it("has no capability, gains none, and has its system calls filtered", () => {
    const lines = answers("grep -E '^(Cap|NoNew|Seccomp)' /proc/self/status");
    const of = (name: string) => lines.find((line) => line.startsWith(`${name}:`))?.split(/\s+/)[1];
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(of(name), name).to.match(/^0+$/);
    expect(of("NoNewPrivs")).to.equal("1");
    expect(of("Seccomp")).to.equal("2");
  });

  it("has no network but its own loopback, and no file of the host's open", () => {
    expect(answers("ls /sys/class/net")).to.deep.equal(["lo"]);
    const targets = answers("ls -l /proc/self/fd").flatMap((line) => line.split(" -> ")[1] ?? []);
    for (const target of targets)
      expect(target).to.match(/^(?:\/dev\/null|\/console|\/proc\/1?[0-9]*\/fd|\/sbin\/probe)/);
  });

  it("writes to its console by /dev/stdout as well, which many images do", () => {
    expect(said).to.include("by its name");
  });

  it("may do nothing to the host", () => {
    expect(said.split("\n").filter((line) => line.startsWith("may "))).to.deep.equal([]);
  });

  it("runs as users of its own on the host, in namespaces of its own", () => {
    expect(uidFirst).to.be.greaterThan(0);
    const inside = pids.filter(
      (pid) => readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync("/proc/self/ns/pid"),
    );
    expect(inside).to.not.have.length(0);
    for (const pid of inside) {
      const [, uid] = /^Uid:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      expect(Number(uid)).to.be.within(uidFirst, uidFirst + containerLimits.uidsOfOne - 1);
      for (const name of readdirSync(`/proc/${pid}/ns`).filter((one) => !one.startsWith("time")))
        expect(readlinkSync(`/proc/${pid}/ns/${name}`), name).to.not.equal(
          readlinkSync(`/proc/self/ns/${name}`),
        );
    }
  });
});
