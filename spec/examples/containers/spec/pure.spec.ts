/** What needs no container to be tried: texts that become settings, and pages that become texts. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type MachineSpec, StatusError } from "novact/plugin";
import { cgroupOwner } from "../src/cgroup.ts";
import { firstProcess } from "../src/command-line.ts";
import { ConsoleWriter, consoleSegments } from "../src/console-log.ts";
import { ContainerConsoles } from "../src/consoles.ts";
import { guestDirectory, guestFiles } from "../src/guest-files.ts";
import { findHierarchies } from "../src/hierarchies.ts";
import { complaintOf, headBytes, unpackingOf } from "../src/image-kind.ts";
import { containerLimits } from "../src/limits.ts";
import { ociConfig } from "../src/oci-config.ts";
import { disksOptions } from "../src/options.ts";
import plugin from "../src/plugin.ts";
import { seccompProfile, toolProfile } from "../src/seccomp.ts";
import { UidClaims } from "../src/uid-claims.ts";
import { uidFirstDefault, uidRanges } from "../src/uid-range.ts";

const reasonOf = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof StatusError ? error.reason : String(error);
  }
};

describe("an image's command line", () => {
  it("names the first process, its arguments, its environment and its power signal", () => {
    expect(firstProcess("init=/bin/app A=1 quiet power=SIGRTMIN+3 -- serve --port 80 B=2")).to.deep.include({
      argv: ["/bin/app", "serve", "--port", "80", "B=2"],
      powerSignal: 37,
    });
    expect(firstProcess("A=1 init=/x quiet").environment.slice(1)).to.deep.equal(["container=novact", "A=1"]);
    expect(firstProcess("")).to.deep.include({ argv: ["/sbin/init"], powerSignal: 15 });
  });

  it("is refused when it cannot be followed", () => {
    for (const line of ["init=relative", "power=SIGKILL", "power=", `-- ${"x ".repeat(70)}`])
      expect(
        reasonOf(() => firstProcess(line)),
        line,
      ).to.equal("hypervisorRefused");
  });
});

describe("the cgroups of a computer", () => {
  const unified = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0";
  const hybrid = [
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0",
    "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0",
    "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0",
  ];

  it("are of version 2 alone, or its controllers are of version 1", () => {
    const root = { root: "/sys/fs/cgroup", version: 2 };
    expect(findHierarchies(unified, () => "cpuset cpu memory pids\n")).to.deep.equal({
      unified: "/sys/fs/cgroup",
      controllers: { memory: root, pids: root, cpu: root },
    });
    expect(findHierarchies(hybrid.join("\n"), () => "hugetlb\n")).to.deep.equal({
      unified: "/sys/fs/cgroup/unified",
      controllers: {
        memory: { root: "/sys/fs/cgroup/memory", version: 1 },
        pids: { root: "/sys/fs/cgroup/pids", version: 1 },
        cpu: { root: "/sys/fs/cgroup/cpu", version: 1 },
      },
    });
  });

  it("are refused in words when one is missing: nothing runs unbounded", () => {
    expect(findHierarchies(hybrid.slice(1).join("\n"), () => "")).to.match(/version 2/);
    expect(findHierarchies(hybrid.slice(0, 2).join("\n"), () => "")).to.match(/controller pids, cpu\.$/);
  });

  it("tell by their names whose they are", () => {
    expect(cgroupOwner("a-1.7")).to.deep.equal({ instanceId: "a-1", ownerEpoch: 7 });
    for (const name of ["a", ".7", "a.7.8", "a.x", "a b.1"])
      expect(cgroupOwner(name), name).to.equal(undefined);
  });
});

describe("what the runtime is told", () => {
  const spec = { name: "My Web_1!", instanceId: "i-1" } as MachineSpec;
  const plan = { root: "/r", uidFirst: 1_000_000, capabilities: "none", openFilesMax: 99 } as const;
  const config = ociConfig(spec, firstProcess(""), plan);

  it("is a container without rights, whose users and namespaces are its own", () => {
    expect(config.hostname).to.equal("my-web-1");
    expect(config.process.noNewPrivileges).to.equal(true);
    expect(config.process.capabilities.bounding).to.deep.equal([]);
    expect(config.linux.namespaces.map(({ type }) => type).sort()).to.deep.equal([
      "cgroup",
      "ipc",
      "mount",
      "network",
      "pid",
      "user",
      "uts",
    ]);
    const mapping = [{ containerID: 0, hostID: 1_000_000, size: 65_536 }];
    expect(config.linux).to.deep.include({ uidMappings: mapping, gidMappings: mapping });
    for (const { destination, options } of config.mounts)
      expect(options, destination).to.include("nosuid").and.include("noexec");
  });

  it("gives capabilities only when they are chosen", () => {
    const basic = ociConfig(spec, firstProcess(""), { ...plan, capabilities: "basic" });
    expect(basic.process.capabilities.bounding).to.include("CAP_SETUID").and.not.include("CAP_SYS_ADMIN");
  });

  it("allows no call that mounts, traces, loads, or makes a namespace", () => {
    const [calls, clone] = seccompProfile.syscalls;
    expect(seccompProfile.defaultAction).to.equal("SCMP_ACT_ERRNO");
    for (const name of [
      "mount",
      "unshare",
      "setns",
      "ptrace",
      "bpf",
      "clone",
      "clone3",
      "keyctl",
      "init_module",
    ])
      expect(calls.names, name).to.not.include(name);
    for (const name of ["read", "execve", "futex", "openat2", "rseq"])
      expect(calls.names, name).to.include(name);
    expect(clone.args[0].value).to.equal(0x7e020000);
  });

  it("allows the tool that unpacks an image files alone, and of nodes named pipes", () => {
    const [calls, ...nodes] = toolProfile.syscalls;
    for (const name of ["socket", "connect", "sendto", "fork", "vfork", "kill", "shmget", "memfd_create"]) {
      expect(seccompProfile.syscalls[0].names, name).to.include(name);
      expect(calls.names, name).to.not.include(name);
    }
    for (const name of ["openat", "write", "symlinkat", "lchown", "ftruncate", "utimensat", "execve"])
      expect(calls.names, name).to.include(name);
    for (const { names, args } of nodes) {
      expect(names[0]).to.match(/^mknod/);
      expect(args).to.containSubset([{ value: 0o170000, valueTwo: 0o010000 }]);
    }
  });
});

describe("an image's first bytes", () => {
  const head = (at: number, magic: string) => {
    const bytes = Buffer.alloc(headBytes);
    bytes.write(magic, at, "latin1");
    return bytes;
  };

  it("tell a file system from an archive, and refuse the rest", () => {
    expect(unpackingOf(head(1080, "\x53\xef")).kind).to.equal("ext");
    expect(unpackingOf(head(257, "ustar")).kind).to.equal("tar");
    for (const bytes of [Buffer.alloc(0), head(0, "hsqs"), head(0, "QFI\xfb")])
      expect(reasonOf(() => unpackingOf(bytes))).to.equal("unusableImage");
  });

  it("tell which words of a tool are a complaint", () => {
    const ext = unpackingOf(head(1080, "\x53\xef"));
    expect(complaintOf(ext, "debugfs 1.47.0 (5-Feb-2023)\n")).to.equal(undefined);
    expect(complaintOf(ext, "debugfs 1.47.0 (5-Feb-2023)\nrdump: bad\n")).to.equal("rdump: bad");
  });
});

describe("user ids", () => {
  it("are of the instance, the same ones first each time, and every range once", () => {
    const all = [...uidRanges("a", uidFirstDefault)];
    expect([...uidRanges("a", uidFirstDefault)]).to.deep.equal(all);
    expect(uidRanges("b", uidFirstDefault).next().value).to.not.equal(all[0]);
    expect(new Set(all).size).to.equal(4_095);
    expect(all.every((uid) => uid >= uidFirstDefault && uid < 0x7000_0000)).to.equal(true);
    expect(all.every((uid) => uid % 65_536 === 0)).to.equal(true);
    // Where those of QEMU's guests begin.
    const { maximum = 0 } = disksOptions.properties.uidFirst;
    expect(Math.max(...uidRanges("a", maximum)) + 65_535).to.equal(0x6fff_ffff);
  });

  describe("on a computer with several nodes", () => {
    let place: string;
    let claims: UidClaims;
    beforeEach(() => {
      place = mkdtempSync(join(tmpdir(), "novact-users-"));
      claims = new UidClaims(join(place, "claims"));
    });
    afterEach(() => rmSync(place, { recursive: true }));
    /** A container's directory that says that the container has this range. */
    const container = (node: string, uids: number) => {
      const path = join(place, node);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, guestFiles.uids), String(uids));
      return path;
    };

    it("are one container's alone, until it is gone or gives them back", async () => {
      const [one, other] = [container("one", 65_536), container("other", 65_536)];
      expect(await claims.claim(65_536, one)).to.equal(true);
      expect(await claims.claim(65_536, one)).to.equal(true);
      expect(await claims.claim(65_536, other)).to.equal(false);
      await claims.release(65_536, other);
      expect(await claims.claim(65_536, other)).to.equal(false);
      await claims.release(65_536, one);
      expect(await claims.claim(65_536, other)).to.equal(true);
      rmSync(other, { recursive: true });
      expect(await claims.claim(65_536, one)).to.equal(true);
    });

    it("of one that is gone are taken by one of those that come at once, or by the next", async () => {
      for (let round = 0; round < 50; round += 1) {
        const uids = 65_536 * (2 + round);
        const gone = container(`gone-${round}`, uids);
        expect(await claims.claim(uids, gone)).to.equal(true);
        rmSync(gone, { recursive: true });
        const all = [1, 2, 3, 4].map((one) => container(`node-${round}-${one}`, uids));
        const won = await Promise.all(all.map((path) => claims.claim(uids, path)));
        expect(won.filter(Boolean)).to.have.length(1);
        const own = await Promise.all(all.map((path) => claims.claim(uids, path)));
        expect(own).to.deep.equal(won);
      }
    });

    it("are taken from one that chose others, and by one of those that come at once", async () => {
      const all = Array.from({ length: 20 }, (_, index) => container(`node-${index}`, 131_072));
      const won = await Promise.all(all.map((path) => claims.claim(131_072, path)));
      expect(won.filter(Boolean)).to.have.length(1);
      const winner = all[won.indexOf(true)] ?? "";
      writeFileSync(join(winner, guestFiles.uids), "196608");
      const next = container("next", 131_072);
      expect(await claims.claim(131_072, next)).to.equal(true);
      expect(readdirSync(join(place, "claims"))).to.deep.equal(["131072"]);
    });
  });
});

describe("a console's log", () => {
  let containers: string;
  let consoles: ContainerConsoles;
  let directory: string;
  beforeEach(() => {
    containers = mkdtempSync(join(tmpdir(), "novact-console-"));
    directory = mkdtempSync(join(containers, "i-"));
    consoles = new ContainerConsoles(containers);
  });
  afterEach(() => rmSync(containers, { recursive: true }));
  const id = () => directory.slice(containers.length + 1);
  const write = (text: string | Buffer) => new ConsoleWriter(directory).write(Buffer.from(text));

  it("has positions that never change, over files and lives of the shim", async () => {
    expect(await consoles.read(id(), {})).to.equal(undefined);
    const line = `${"x".repeat(1_023)}\n`;
    const lines = (4 * containerLimits.consoleSegmentBytesMax) / 1_024;
    for (let index = 0; index < lines; index += 1) write(line);
    write("the end\n");
    const segments = consoleSegments(directory);
    expect(segments).to.have.length(containerLimits.consoleSegmentsMax);
    const end = lines * 1_024 + 8;
    expect(segments.at(-1)?.end).to.equal(end);
    expect(await consoles.read(id(), { offset: end - 8 })).to.deep.equal({
      ...{ text: "the end\n", offset: end - 8, nextOffset: end, more: false },
    });
    const page = await consoles.read(id(), { offset: 0 });
    expect(page?.offset).to.equal(segments[0]?.start);
    expect(page?.more).to.equal(true);
  });

  it("is read whole by its pages, whatever bytes it has, and each page is bounded", async () => {
    write(Buffer.concat([Buffer.alloc(60_000, 1), Buffer.from("é€𝄞".repeat(20_000))]));
    let text = "";
    for (let offset = 0, more = true; more; ) {
      const page = await consoles.read(id(), { offset });
      if (page === undefined) throw new Error("There is no page.");
      expect(Buffer.byteLength(JSON.stringify(page.text))).to.be.at.most(containerLimits.consolePageBytesMax);
      expect(page.offset).to.equal(offset);
      expect(page.nextOffset).to.be.greaterThan(offset);
      text += page.text;
      ({ nextOffset: offset, more } = page);
    }
    expect(text).to.equal("\u0001".repeat(60_000) + "é€𝄞".repeat(20_000));
  });

  it("waits with an unfinished letter for its other bytes", async () => {
    write(Buffer.from([0x61, 0xe2, 0x82]));
    expect(await consoles.read(id(), {})).to.deep.equal({ text: "a", offset: 0, nextOffset: 1, more: false });
    write(Buffer.from([0xac]));
    expect((await consoles.read(id(), { offset: 1 }))?.text).to.equal("€");
  });

  it("tells its last lines", async () => {
    write("one\ntwo\nthree\n");
    expect((await consoles.read(id(), { tailLines: 2 }))?.text).to.equal("two\nthree\n");
    expect((await consoles.read(id(), { tailLines: 9 }))?.text).to.equal("one\ntwo\nthree\n");
    expect((await consoles.read(id(), { tailLines: 0 }))?.text).to.equal("");
  });

  it("is of nobody whose id would lead elsewhere", async () => {
    expect(() => guestDirectory(containers, "../other")).to.throw();
    expect(guestDirectory(containers, "i-1")).to.equal(join(containers, "i-1"));
    expect(guestFiles.console).to.equal("console.");
  });
});

describe("the plug-in", () => {
  it("brings a hypervisor that names its own disks", () => {
    const { hypervisors, disks } = plugin.parts({});
    expect(Object.keys(hypervisors ?? {})).to.deep.equal(["containers"]);
    expect(Object.keys(disks ?? {})).to.deep.equal([hypervisors?.containers?.disks]);
    expect(hypervisors?.containers?.disksOnly).to.deep.equal(Object.keys(disks ?? {}));
  });
});

describe("the shim", () => {
  it("imports nothing but this package's own files, which know no novact", () => {
    const seen = new Set<string>();
    const visit = (name: string): void => {
      if (seen.has(name)) return;
      seen.add(name);
      const text = readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8");
      for (const [, type, target = ""] of text.matchAll(
        /^(?:import|export)( type)?[^"]*?from "([^"]+)";$/gm,
      )) {
        if (type !== undefined) continue;
        if (target.startsWith("./")) visit(target.slice(2));
        else expect(target, name).to.match(/^node:/);
      }
    };
    visit("shim.ts");
    expect([...seen]).to.include("cgroup.ts");
  });
});
