/** Every kind of discrepancy is found, and a healthy cluster has none. By value. */
import { expect } from "chai";
import { compare, inBoth } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import { doctorLimits } from "../../../../actors/control/doctor/limits.ts";
import type { InstanceRecord, LoadedInstance } from "../../../../actors/records/instance.ts";
import { lifeLimits } from "../../../../protocol/limits/life.ts";
import { busy, healthy, instance, loaded, observation, operation } from "./worlds.ts";

const find = (input: DoctorInput) =>
  compare(input).findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`);

/** The healthy cluster with the audit of its host changed. */
const audited = (change: Partial<ReturnType<typeof healthy>["audit"]>): DoctorInput => {
  const { input, audit } = healthy();
  return { ...input, answers: [{ hostId: "h1", audit: { ...audit, ...change } }] };
};

describe("doctor: comparison", () => {
  it("finds nothing in a healthy cluster, and says what it compared", () => {
    const { findings, compared } = compare(healthy().input);
    expect(findings).to.deep.equal([]);
    expect(compared).to.include({
      hosts: 1,
      instances: 2,
      claims: 2,
      machines: 2,
      processes: 1,
      directories: 2,
      files: 4,
    });
  });

  it("finds nothing while an instance is being built, stopped or deleted", () => {
    for (const state of ["preparing", "starting", "running", "stopping", "gone"] as const)
      expect(find(busy(state)), state).to.deep.equal([]);
  });

  it("every finding says what to do next", () => {
    const { findings } = compare(audited({ machines: [], strays: ["socket x"] }));
    for (const { next, message } of findings) {
      expect(next).to.match(/^[A-Z].*\.$/);
      expect(message).to.match(/\.$/);
    }
  });

  it("compares the rest of what a host says when some of it cannot be read, and says so", () => {
    const { input, audit } = healthy();
    const leftOut = { entries: 3, sentences: ["Entry 0: The field generation must be <= 5."] };
    const machines = audit.machines.filter(({ instanceId }) => instanceId !== "i2");
    const strange = [{ hostId: "h1", example: "The generation of instance i1 cannot be." }];
    const answers = [{ hostId: "h1", audit: { ...audit, machines, directories: [] }, leftOut }];
    expect(find({ ...input, answers, strange })).to.deep.equal([
      "drift host one: 3 entries of its answer cannot be read: Entry 0: The field generation must be <= 5.",
      "drift host one: It reports what cannot be, and that is not stored: The generation of instance i1 cannot be.",
      "drift instance i2: It is stopped on host one, and the host knows nothing of it.",
      "drift machine i1: host one believes it is running, and its directory is missing.",
    ]);
  });

  it("is not filled by one host: findings about it are bounded in number and in length", () => {
    const { audit } = healthy();
    const strays = Array.from({ length: 5_000 }, (_, n) => `${n} ${"x".repeat(4_000)}`);
    const { findings } = compare(audited({ strays }));
    expect(findings).to.have.length(doctorLimits.hostFindingsMax + 1);
    expect(findings.at(-1)?.message).to.equal("4900 more findings are there: 4900 leak.");
    for (const { message } of findings)
      expect(message.length).to.be.at.most(doctorLimits.findingLengthMax + 1);
    const process = (instanceId: string) => ({ instanceId, pid: 7, status: "running" });
    const doubled = Array.from({ length: 3_000 }, (_, n) => process(`i${n % 1_000}`));
    const many = Array.from({ length: 9_000 }, () => process("i1"));
    const twice = compare(audited({ processes: [...audit.processes, ...doubled, ...many] })).findings;
    expect(twice.length).to.be.below(3 * doctorLimits.hostFindingsMax);
    const [most] = twice.filter(({ message }) => message.startsWith("It has 9"));
    expect(most?.message.split(", ")).to.have.length(doctorLimits.processesNamedMax);
  });

  const discrepancies: readonly [string, () => DoctorInput, RegExp][] = [
    [
      "a host that cannot be asked",
      () => ({ ...healthy().input, answers: [{ hostId: "h1", error: "No answer." }] }),
      /^drift host one: It could not be asked, so its 2 instances .* No answer\.$/,
    ],
    [
      "a machine its host has forgotten",
      () =>
        audited({
          machines: [observation("i2", "stopped")],
          processes: [],
          directories: [{ instanceId: "i2", files: [] }],
        }),
      /^drift instance i1: It is running on host one, and the host knows nothing of it/,
    ],
    [
      "a machine that nobody remembers",
      () => audited({ machines: [...healthy().audit.machines, observation("zz", "running")] }),
      /^leak machine zz: .*no instance with this id is remembered/,
    ],
    [
      "another state than the one remembered",
      () => audited({ machines: [observation("i1", "paused", 8), observation("i2", "stopped")] }),
      /^drift instance i1: Remembered is running \(generation 7\), host one believes paused \(generation 8\)/,
    ],
    [
      "a running machine without a process",
      () => audited({ processes: [] }),
      /^drift machine i1: .*believes it is running, and there is no process/,
    ],
    [
      "a stopped machine with a process",
      () =>
        audited({
          processes: [...healthy().audit.processes, { instanceId: "i2", pid: 9, status: "running" }],
        }),
      /^leak machine i2: .*believes it is stopped, and process 9 is there/,
    ],
    [
      "a machine without its directory",
      () => audited({ directories: healthy().audit.directories.slice(0, 1) }),
      /^drift machine i2: .*its directory is missing/,
    ],
    [
      "a process of an unknown instance",
      () =>
        audited({
          processes: [...healthy().audit.processes, { instanceId: "zz", pid: 9, status: "running" }],
        }),
      /^leak machine zz: Process 9 is there/,
    ],
    [
      "a directory of an unknown instance",
      () => audited({ directories: [...healthy().audit.directories, { instanceId: "zz", files: ["disk"] }] }),
      /^leak machine zz: A directory with 1 file is there/,
    ],
    [
      "a stray",
      () => audited({ strays: ["guests/backup belongs to no instance."] }),
      /^leak host one: guests\/backup belongs to no instance\.( |$)/,
    ],
    [
      "a stray that an older agent names",
      () => audited({ strays: ["socket /run/x"] }),
      /^leak host one: It belongs to no instance: socket \/run\/x/,
    ],
  ];
  for (const [what, world, expected] of discrepancies) {
    it(`finds ${what}, and only that`, () => {
      const found = find(world());
      expect(found).to.have.length(1);
      expect(found[0]).to.match(expected);
    });
  }

  it("finds two processes of one instance, also on two hosts", () => {
    const { input, audit } = healthy();
    const again = { instanceId: "i1", pid: 77, status: "running" };
    const other = { ...audit, hostId: "h2", machines: [], directories: [], processes: [again] };
    const found = find({ ...input, answers: [...input.answers, { hostId: "h2", audit: other }] });
    expect(found).to.include("leak instance i1: It has 2 processes: 11 on host one, 77 on host h2.");
  });

  it("finds a machine on a host that does not own its instance", () => {
    const { input, audit } = healthy();
    const host = input.hosts[0];
    if (host === undefined) throw new Error("There is a host.");
    const other = {
      ...audit,
      hostId: "h2",
      machines: [observation("i2", "stopped")],
      processes: [],
      directories: [],
    };
    const hosts = [
      host,
      {
        ...host,
        id: "h2",
        name: "two",
        vcpusClaimed: 0,
        memoryMibClaimed: 0,
        diskGibClaimed: 0,
        instances: 0,
      },
    ];
    const found = find({ ...input, hosts, answers: [...input.answers, { hostId: "h2", audit: other }] });
    expect(found).to.deep.equal(["leak machine i2: It is stopped on host two, but its owner is host one."]);
  });

  describe("of a fenced host", () => {
    const proof = { kind: "operator", by: "admin", reason: "off", confirmedName: "one", atMs: 1 } as const;
    const fenced = (changes: Partial<InstanceRecord> = {}): DoctorInput => {
      const { input } = healthy();
      const hosts = input.hosts.map((one) => ({
        ...one,
        lease: { leaseEpoch: 1, renewals: 1, storage: null, fencedBy: proof },
      }));
      const instances = input.instances.map((row, index) =>
        index === 0 ? { ...row, instance: { ...row.instance, movable: true, ...changes } } : row,
      );
      return { ...input, hosts, instances };
    };
    const disk = { sha256: "0".repeat(64), sizeBytes: 1, format: "qcow2", virtualSizeBytes: 1 } as const;
    const local = { ...instance("i1").image, disk };
    const next = (input: DoctorInput) => compare(input).findings.map((finding) => finding.next);

    it("names the instances that shall be up, and what is to be done about each", () => {
      expect(find(fenced())).to.deep.equal([
        "stuck instance i1: It shall be running, and host one is fenced.",
      ]);
      expect(next(fenced())[0]).to.contain("novact instance explain i1");
      expect(next(fenced({ movable: false, image: local }))[0]).to.contain("Its disk is only on that host");
      const kept = { movable: false, recovery: { policy: "wait", priority: 0 }, storageId: "s" } as const;
      expect(next(fenced(kept))[0]).to.contain("novact instance evacuate i1");
    });

    it("names the brake on recovery, and the way past it", () => {
      const { lease: _, ...host } = fenced().hosts[0] ?? {};
      const lost = [
        { ...host, name: "one" },
        { ...host, name: "two" },
      ];
      const braked = { ...fenced(), brake: { on: true, lost, of: 3 } };
      expect(find(braked)[0]).to.equal(
        "stuck recovery: It is stopped: of 3 hosts 2 were lost at once (one, two).",
      );
      expect(next(braked)[1]).to.contain("by hand: novact instance evacuate i1");
      expect(find({ ...healthy().input, brake: { on: false, lost: [], of: 3 } })).to.deep.equal([]);
    });
  });

  it("finds a quota that counts other than what the project has", () => {
    const { input } = healthy();
    const counted = { instances: 1, vcpus: 1, memoryMib: 1_536 };
    const quotaTotals = input.quotaTotals.map((total) => ({ ...total, counted }));
    expect(find({ ...input, quotaTotals })).to.deep.equal([
      "drift project demo: Its quota and its instances differ: the quota has +1 instances, +1 vcpus, -512 memoryMib.",
    ]);
  });

  describe("claims", () => {
    const withTotals = (change: Partial<DoctorInput["claimTotals"][number]>): DoctorInput => {
      const { input } = healthy();
      return { ...input, claimTotals: input.claimTotals.map((total) => ({ ...total, ...change })) };
    };

    it("finds claims that no instance accounts for", () => {
      const { input } = healthy();
      const found = find({ ...input, instances: input.instances.slice(0, 1), answers: [] });
      expect(found).to.deep.equal([
        "leak host one: Its claim rows and its instances differ: " +
          "the claims have +1 vcpus, +512 memoryMib, +1 diskGib, +1 instances.",
      ]);
    });

    it("finds sums that are not those of the claims, and instances without a claim", () => {
      const found = find(withTotals({ vcpus: 1, memoryMib: 512, diskGib: 1, instances: 1 }));
      expect(found.map((text) => text.slice(0, 60))).to.deep.equal([
        "drift host one: Its sums and its claim rows differ: the sums",
        "drift host one: Its claim rows and its instances differ: the",
      ]);
    });

    it("finds a host that is overfull (I3)", () => {
      const { input } = healthy();
      const found = find({ ...input, hosts: input.hosts.map((host) => ({ ...host, memoryMib: 1_000 })) });
      expect(found).to.deep.equal([
        "drift host one: More is claimed than the host has: 24 memoryMib too much.",
      ]);
    });

    it("counts every claim of an unsettled instance, also those of an older epoch", () => {
      const { input } = healthy();
      const old = { ...loaded(instance("i3", { settled: false, ownerEpoch: 2 })) };
      const claims = [1, 2].map((ownerEpoch) => ({
        instanceId: "i3",
        ownerEpoch,
        hostId: "h1",
        vcpus: 1,
        memoryMib: 512,
        diskGib: 1,
        leaseEpoch: 0,
        numa: null,
      }));
      const totals = input.claimTotals.map((total) => ({
        ...total,
        vcpus: 4,
        memoryMib: 2_048,
        diskGib: 4,
        instances: 4,
      }));
      const hosts = input.hosts.map((host) => ({
        ...host,
        vcpusClaimed: 4,
        memoryMibClaimed: 2_048,
        diskGibClaimed: 4,
        instances: 4,
      }));
      const unsettled = [{ ...old, claims, operation: operation("o1") }];
      expect(find({ ...input, hosts, claimTotals: totals, unsettled })).to.deep.equal([]);
    });

    it("finds NUMA nodes whose sums are not those of the claims, and NUMA nodes that are overfull", () => {
      const { input } = healthy();
      const node = { vcpus: 1, memoryMib: 64, hugePages: [] };
      const bound = (cpus: number) => ({
        pinnedCpus: cpus,
        numaClaimed: [{ pinnedCpus: cpus, memoryMib: 64, hugePages: [] }],
      });
      const world = (sums: number, rows: number): DoctorInput => ({
        ...input,
        hosts: input.hosts.map((host) => ({ ...host, numa: [node], ...bound(sums) })),
        claimTotals: input.claimTotals.map((total) => ({ ...total, ...bound(rows) })),
      });
      const much =
        "More of its NUMA nodes or CPUs is claimed than there is: 2 pinned CPUs; NUMA node 0: 2 CPUs, 64 MiB.";
      expect(find(world(2, 2))).to.deep.equal([`drift host one: ${much}`]);
      const sums =
        "the sums are 0 pinned CPUs; NUMA node 0: 0 CPUs, 64 MiB, the rows 1 pinned CPU; NUMA node 0: 1 CPU, 64 MiB.";
      expect(find(world(0, 1))).to.deep.equal([
        `drift host one: Its sums and its claim rows differ by NUMA node: ${sums}`,
      ]);
    });

    it("does not judge a host whose claims moved while it looked", () => {
      expect(find({ ...withTotals({ vcpus: 9 }), movingHosts: new Set(["h1"]) })).to.deep.equal([]);
    });
  });

  describe("stuck", () => {
    const with3 = (change: Partial<LoadedInstance>, changes: Partial<InstanceRecord> = {}): DoctorInput => {
      const { input } = healthy();
      const one = { ...loaded(instance("i3", { settled: false, hostId: null, ...changes })), ...change };
      return { ...input, unsettled: [one] };
    };
    const late = doctorLimits.doctorPatienceMs + 1;

    it("finds an operation that has outlived its deadline", () => {
      const { input } = healthy();
      const one = operation("o1", { deadlineAtMs: input.nowMs - lifeLimits.operationGraceMs - 1 });
      expect(find({ ...input, operations: [one] })).to.deep.equal([
        "stuck operation o1: The start of instance i1 has outlived its deadline.",
      ]);
      expect(
        find({ ...input, operations: [operation("o1", { deadlineAtMs: input.nowMs - 1 })] }),
      ).to.deep.equal([]);
    });

    it("finds an unsettled instance on which nothing works any more", () => {
      const { nowMs } = healthy().input;
      expect(find(with3({}, { updatedAtMs: nowMs - late }))[0]).to.match(
        /^stuck instance i3: It shall be running and is/,
      );
      expect(find(with3({}, { updatedAtMs: nowMs - 10 }))).to.deep.equal([]);
      expect(find(with3({ operation: operation("o1") }, { updatedAtMs: nowMs - late }))).to.deep.equal([]);
    });

    it("what waits for a silent host is told once, as the host's silence", () => {
      const { input } = healthy();
      const claims = [
        {
          ...{
            instanceId: "i3",
            ownerEpoch: 1,
            hostId: "h1",
            vcpus: 0,
            memoryMib: 0,
            diskGib: 0,
            leaseEpoch: 0,
          },
          numa: null,
        },
      ];
      const world = with3({ claims }, { updatedAtMs: input.nowMs - late });
      const found = find({
        ...world,
        answers: [{ hostId: "h1", error: "No answer." }],
        movingHosts: new Set(["h1"]),
      });
      expect(found).to.have.length(1);
      expect(found[0]).to.match(/could not be asked/);
    });
  });

  it("keeps of two looks what both found", () => {
    const finding = (subject: string) => ({ kind: "leak" as const, subject, message: "m.", next: "n." });
    expect(inBoth([finding("a"), finding("b")], [finding("b"), finding("c")])).to.deep.equal([finding("b")]);
  });
});
