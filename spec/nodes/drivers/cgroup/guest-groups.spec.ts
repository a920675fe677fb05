/** The cgroups of guests, where the computer's kernel gives less than was asked. Needs root and cgroups. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { killGroup } from "../../../../nodes/drivers/cgroup/control.ts";
import { GuestGroups } from "../../../../nodes/drivers/cgroup/guest-groups.ts";
import { type Hierarchy, readHierarchies } from "../../../../nodes/drivers/cgroup/hierarchies.ts";
import { GroupKeeper } from "../../../../nodes/drivers/cgroup/keeper.ts";
import { lossOf } from "../../../../nodes/drivers/cgroup/loss.ts";
import { openPlaces } from "../../../../nodes/drivers/cgroup/places.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import { temporaryDirectory } from "../../../support/driver-world.ts";
import { skip } from "../../../support/services.ts";

const never = new AbortController().signal;

describe("a cgroup that the kernel does not kill by itself", () => {
  it("is frozen before its processes are killed one by one, so that none begins others", async () => {
    const { path, remove } = await temporaryDirectory();
    try {
      for (const file of ["cgroup.procs", "cgroup.freeze"]) writeFileSync(join(path, file), "");
      killGroup(path);
      expect(readFileSync(join(path, "cgroup.freeze"), "latin1")).to.equal("1");
    } finally {
      await remove();
    }
  });
});

describe("a guest that the kernel ended for want of memory", () => {
  it("has met its bound when either count of version 1 says so, and its host was short when none does", async () => {
    const { path, remove } = await temporaryDirectory();
    const reason = (failures: Readonly<Record<string, string>>) => {
      const files = { "memory.oom_control": "oom_kill 1\n", "memory.limit_in_bytes": "1048576\n" };
      const counts = { "memory.failcnt": "0\n", "memory.memsw.failcnt": "0\n", ...failures };
      for (const [name, text] of Object.entries({ ...files, ...counts }))
        writeFileSync(join(path, name), text);
      return lossOf([{ place: { version: 1, controllers: ["memory"] }, directory: path }])?.reason;
    };
    try {
      expect(reason({})).to.equal("hostMemoryShort");
      expect(reason({ "memory.failcnt": "2\n" })).to.equal("memoryExceeded");
      expect(reason({ "memory.memsw.failcnt": "2\n" })).to.equal("memoryExceeded");
    } finally {
      await remove();
    }
  });
});

describe("the place of a host's cgroups", () => {
  it("is the same for each agent of a user to which a cgroup was given, also when it was moved aside", async () => {
    const place = await temporaryDirectory();
    try {
      const aside = join(place.path, "novact.agents");
      mkdirSync(join(place.path, "h"));
      for (const file of ["cgroup.procs", "cgroup.freeze"]) writeFileSync(join(place.path, "h", file), "");
      const whole = { version: 2, top: place.path, root: "/", controllers: [] } as const;
      for (const own of [place.path, aside, join(aside, "novact.agents")]) {
        const { freezer } = openPlaces({
          name: "h",
          at: "own",
          hierarchies: [{ ...whole, own }],
          wanted: [],
        });
        expect(freezer?.directory).to.equal(join(place.path, "h"));
      }
    } finally {
      await place.remove();
    }
  });
});

describe("the cgroups of a host in a cgroup with little processor time", () => {
  let top = "";
  let groups: GuestGroups;
  const said: unknown[] = [];
  const hierarchies: Hierarchy[] = [];
  const tag = { instanceId: "a-1", ownerEpoch: 1 };

  before(function () {
    const hierarchy = readHierarchies().find(({ controllers }) => controllers.includes("cpu"));
    if (hierarchy === undefined || process.getuid?.() !== 0)
      return skip(this, "no cgroups of processor time");
    top = join(hierarchy.top, `spec${process.pid}`);
    mkdirSync(top);
    writeFileSync(join(top, "cpu.cfs_quota_us"), "200000");
    hierarchies.push({ ...hierarchy, top, own: top });
    const log = { warn: (fields: object, message: string) => void said.push({ ...fields, message }) };
    groups = new GuestGroups({ host: "h", clock: systemClock, log, at: "top", hierarchies });
  });
  afterEach(() => groups?.remove(tag.instanceId));
  after(() => {
    if (top !== "") rmdirSync(top);
  });

  it("are made without the quota that its kernel refuses, and the log says so once", async () => {
    for (const vcpus of [1, 2]) {
      const [directory = ""] = await groups.make(tag, { vcpus, memoryMib: 16 });
      expect(readFileSync(join(directory, "cpu.shares"), "latin1")).to.equal(`${1_024 * vcpus}\n`);
      expect(readFileSync(join(directory, "cpu.cfs_quota_us"), "latin1")).to.equal("-1\n");
    }
    expect(said).to.have.length(1);
    expect(said).to.containSubset([
      { file: "cpu.cfs_quota_us", text: "300000", message: "a bound of guests could not be set" },
    ]);
  });

  it("are released by the owner epoch of a holding: it, and older ones", async () => {
    const keeper = new GroupKeeper(groups);
    await groups.make({ ...tag, ownerEpoch: 2 }, { vcpus: 1, memoryMib: 16 });
    const release = (ownerEpoch: number) => keeper.release({ ...tag, ownerEpoch, what: "" }, never);
    await release(1);
    expect(groups.list()).to.deep.equal([{ ...tag, ownerEpoch: 2 }]);
    await release(3);
    expect(groups.list()).to.deep.equal([]);
  });

  it("start a guest without what is not there any more, and the log says so once", async () => {
    said.length = 0;
    hierarchies.length = 0;
    const make = () => groups.make(tag, { vcpus: 1, memoryMib: 16 });
    expect([await make(), await make()]).to.deep.equal([[], []]);
    expect(said).to.deep.equal([
      {
        ...{ what: "cpu", before: "v1", now: "none", why: "no cgroup hierarchy offers it" },
        message: "guests are not bounded as when the agent started",
      },
    ]);
  });
});
