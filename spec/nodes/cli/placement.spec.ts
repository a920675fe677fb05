/** The CLI's nouns about placement, against a controller on a memory bus: as text and as JSON. */
import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

describe("novact around placement", () => {
  let world: World;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a");
    novact = commandOn(connectOn(world.bus, "test").connect);
  });
  afterEach(() => world.stop());
  const json = async (line: string) => JSON.parse((await novact(`${line} --json`)).out);
  const create = (name: string, more: string) =>
    novact(`instance create ${name} --flavor tiny --image tiny ${more}`);
  const table = async (line: string): Promise<readonly string[]> => {
    const lines = stripVTControlCharacters((await novact(line, { tty: true })).out)
      .trimEnd()
      .split("\n");
    for (const one of lines) expect(one.length, one).to.be.at.most(100);
    return lines;
  };

  it("host show tells the room on the host's file systems, and which is full", async () => {
    const host = await world.host("b");
    host.space = [
      { of: "state directory", freeMib: 3, totalMib: 900, full: true },
      { of: "shared directory", freeMib: 2_048, totalMib: 4_096, full: false },
    ];
    await host.report();
    expect((await novact("host show host-b")).out)
      .to.match(/^state directory +3 MiB of 900 MiB free: full, nothing new is made there$/m)
      .and.to.match(/^shared directory +2 GiB of 4 GiB free$/m);
    expect((await novact("host list -o wide")).out).to.match(/FREE.*\n.*host-a.* - /);
  });

  it("host show tells what takes the room where disks are made, and when no new one is placed there", async () => {
    const host = await world.host("b");
    const disks = { of: "guests directory", totalMib: 102_400, full: false, disks: true };
    const say = async (space: object) => {
      host.space = [{ ...disks, freeMib: 3_072, allocatedMib: 5_120, imagesMib: 1_536, ...space }];
      await host.report();
      return table("host show host-b");
    };
    const lines = await say({});
    expect(lines.join("\n"))
      .to.match(/^disk +0 of \d.* claimed, 5 GiB written$/m)
      .and.to.match(
        /^guests directory +3 GiB of 100 GiB free, disks 5 GiB, images 1.5 GiB: no new disk is placed there$/m,
      )
      .and.not.to.match(/^promised/m);
    const silent = (await say({ freeMib: 90_000, silentMs: 40_000 })).join(" ").replaceAll(/\s+/g, " ");
    expect(silent).to.contain(": silent for 40.0 s, no new disk is placed there");
    expect((await json("host show host-b")).space[0]).to.include({ allocatedMib: 5_120, disks: true });
    expect((await novact("host list -o wide")).out).to.match(/host-b.* 87.9 GiB \/ 100 GiB /);
  });

  it("says in the refusal and in the dry run where there is too little room for a new disk", async () => {
    const host = await world.host("b");
    await novact("host disable host-a --reason full");
    await novact("flavor create large --vcpus 1 --memory 128M --disk 4G");
    const disk = { path: "/disk", format: "qcow2" } as const;
    await world.admin.image.register({ name: "whole", kernel: { path: "/kernel" }, disk });
    const disks = { of: "guests directory", totalMib: 102_400, full: false, disks: true };
    host.space = [{ ...disks, freeMib: 3_072 }];
    await host.report();
    const why = "3 GiB are free in the guests directory, and 4 GiB are kept free";
    expect((await novact("instance create x --flavor large --image whole")).err).to.contain(why);
    const dry = await table("instance create x --flavor large --image whole --dry-run");
    expect(dry.join("\n")).to.contain(`diskRoom: ${why}`);
    expect((await novact("instance create y --flavor tiny --image tiny")).exit, "without a disk").to.equal(0);
  });

  it("host show tells the drivers and what the hypervisor can, and doctor notes versions that differ", async () => {
    const abilities = { networks: ["user"], volumes: [], hotPlug: false, liveMigration: false };
    const drivers = {
      ...{ hypervisor: "fake", disks: "files", network: null, volumes: null },
      abilities: { ...abilities, console: true, save: true },
    };
    await world.host("b", { drivers, hypervisorVersion: "9.1" });
    expect((await novact("host show host-b")).out)
      .to.match(/^drivers +hypervisor fake, disks files, network none, volumes none$/m)
      .and.to.match(/^abilities +networks \(user\), console, save$/m);
    expect((await novact("host show host-a")).out).not.to.match(/^(?:drivers|abilities|bounds)/m);
    const { out } = await novact("doctor");
    expect(out).to.match(/^note +driver fake: Hosts have it with different versions: .*9\.1 on host-b\.$/m);
  });

  it("host show tells what bounds guests, and why something does not", async () => {
    const abilities = { networks: [], volumes: [], hotPlug: false, liveMigration: false };
    const drivers = {
      ...{ hypervisor: "qemu", disks: "files", network: null, volumes: null },
      abilities: { ...abilities, console: true, save: false },
    };
    const by = { memory: "v2", processes: "v2", cpu: "v1", freezer: "v2" };
    const shownWith = async (bounding: typeof by & { readonly why: string }) => {
      await world.host("b", { drivers: { ...drivers, bounding } });
      return (await novact("host show host-b")).out;
    };
    expect(await shownWith({ ...by, why: "" })).to.match(
      /^bounds +memory v2, processes v2, CPU time v1, freezer v2$/m,
    );
    expect(await shownWith({ ...by, cpu: "none", why: "no hierarchy has cpu" })).to.match(
      /^bounds +memory v2, processes v2, CPU time none, freezer v2: no hierarchy has cpu$/m,
    );
  });

  it("group makes, lists, shows and deletes, and instances come into it by name", async () => {
    const made = await json("group create apart --policy anti-affinity --max-per-host 2");
    expect(made).to.include({ name: "apart", policy: "anti-affinity", maxPerHost: 2, project: "demo" });
    expect((await create("one", "--group apart --wait")).exit).to.equal(0);
    const [head, row] = await table("group list");
    expect(head).to.match(/^ID +NAME +RULE +MEMBERS$/);
    expect(row).to.match(/^\S{36} +apart +anti-affinity, 2 per host +1$/);
    const { out } = await novact("group show apart");
    expect(out).to.match(/^rule +anti-affinity, 2 per host$/m);
    expect((await json("group show apart")).members).to.have.length(1);
    await create("two", "--group apart --wait");
    const shown = (await table("group show apart")).join("\n");
    expect(shown)
      .to.match(/^ {2}MEMBER +NAME +STATE +HOST$/m)
      .and.to.match(/^ {2}\S{36} {2}one +running +host-a$/m)
      .and.to.match(/^ {2}\S{36} {2}two +running +host-a$/m);
    await novact("instance delete two --wait");
    const refused = await novact("group delete apart");
    expect(refused.exit).to.not.equal(0);
    expect(refused.err).to.contain("The group apart has 1 member.");
    expect((await novact("instance show one")).out).to.contain(made.id);
    await novact("instance delete one --wait");
    expect((await novact("group delete apart")).exit).to.equal(0);
    expect(await json("group list")).to.deep.equal([]);
  });

  it("create --dry-run says where it would go, or what would make it fit, and makes nothing", async () => {
    const fits = await create("one", "--dry-run");
    expect(fits.exit).to.equal(0);
    expect(fits.out)
      .to.match(/host-a +yes +/)
      .and.to.contain("It would go to host-a.")
      .and.not.to.contain("make more of them fit");
    await novact("flavor create huge --vcpus 2 --memory 900GiB --disk 0 --project admin");
    const line = "instance create two --flavor huge --image tiny --dry-run";
    const lines = await table(line);
    const refused = await novact(line);
    expect(refused.exit).to.equal(5);
    expect(refused.err).to.equal((await novact(line.replace(" --dry-run", ""))).err);
    expect(lines.join("\n")).to.match(/host-a +no +- +ram: [\s\S]*TO USE +DO\n +host-a +\S+/);
    expect(await json("instance list")).to.deep.equal([]);
  });

  it("create --dry-run ends as the create does, whatever is against it: text, code and exit code", async () => {
    await novact("quota set demo --instances 20");
    await novact("flavor create large --vcpus 2 --memory 1G --project admin");
    await novact("group create apart --policy anti-affinity");
    for (const more of [
      "--count 21",
      "--count 18 --flavor large",
      "--group apart --count 2",
      "--group nothing",
      "--zone nowhere",
      "--same-host nobody",
      "--host host-a",
      "--host nothing --project admin",
      "--at-least 2",
      "--count 2 --at-least 3",
      "--flavor nothing",
      "--image nothing",
    ]) {
      const line = `instance create web --flavor tiny --image tiny ${more}`;
      const [said, done] = [await novact(`${line} --dry-run`), await novact(line)];
      expect(said.exit, more).to.equal(done.exit).and.to.be.greaterThan(0);
      expect(said.err, more).to.equal(done.err).and.to.contain("error: ");
    }
    expect(await json("instance list")).to.deep.equal([]);
  });

  it("create --dry-run counts: where so many would go, and why not more", async () => {
    await world.host("b", { vcpus: 3 });
    const { out, exit } = await create("web", "--count 30 --at-least 3 --dry-run");
    expect(exit).to.equal(0);
    expect(out).to.match(
      /^19 of 30 would be made: (16 on host-a, 3 on host-b|3 on host-b, 16 on host-a)\.$/m,
    );
    expect(out).to.match(/^Not more, because: 19 of 30 instances find room; at the 20th: No host fits: /m);
    const answer = await json("instance create web --flavor tiny --image tiny --count 2 --dry-run");
    expect(
      answer.placed.reduce((sum: number, one: { instances: number }) => sum + one.instances, 0),
    ).to.equal(2);
    expect(answer).to.have.property("hosts").with.lengthOf(2);
  });

  it("a second member that has no host of its own is refused with a reason and what to do", async () => {
    await novact("group create apart --policy anti-affinity");
    await create("one", "--group apart --wait");
    const { exit, err } = await create("two", "--group apart");
    expect(exit).to.not.equal(0);
    expect(err)
      .to.match(/^error: /m)
      .and.to.match(/^next: /m);
  });

  it("quota is shown to a project, set by operators, and refuses in numbers", async () => {
    expect((await novact("quota set demo --instances 1 --memory 1G")).exit).to.equal(0);
    await novact("quota set --default --vcpus 8");
    await create("one", "--wait");
    const lines = await table("quota show");
    expect(lines[0]).to.match(/^RESOURCE +USED +LIMIT +FROM$/);
    expect(lines[1]).to.match(/^instances +1 +1 +its own$/);
    expect(lines[2]).to.match(/^vCPUs +1 +8 +the default$/);
    expect(lines[3]).to.match(/^memory +128 MiB +1 GiB +its own$/);
    const { err } = await create("two", "");
    expect(err).to.contain("The project demo may have 1 instance; it has 1, and 1 more was asked for.");
    expect((await json("quota set demo --instances none")).effective.instances).to.equal(-1);
    expect((await json("quota set demo --memory default")).limits.memoryMib).to.equal(null);
    expect(await json("quota show --default")).to.include({ instances: null, vcpus: 8, keyPairs: null });
    expect((await table("quota show --default"))[2]).to.match(/^vCPUs +8 +the default$/);
    expect((await json("quota show other")).used.instances).to.equal(0);
    expect((await novact("quota set --instances 1")).err).to.contain("Whose limits?");
  });

  it("aggregate and availability-zone show operators hosts, and users the zones' names", async () => {
    await novact("aggregate create racks --zone z1 --metadata ssd=true --metadata row=3");
    expect((await json("aggregate add-host racks host-a")).hostIds).to.deep.equal(["a"]);
    const [head, row] = await table("aggregate list");
    expect(head).to.match(/^ID +NAME +ZONE +HOSTS +METADATA$/);
    expect(row).to.match(/^\S{36} +racks +z1 +host-a +(ssd=true, row=3|row=3, ssd=true)$/);
    expect(await table("availability-zone list")).to.have.length(2);
    expect((await table("availability-zone list"))[1]).to.match(/^z1 +available$/);
    expect((await table("--project admin availability-zone list"))[1]).to.match(/^z1 +available +host-a$/);
    expect((await novact("host show host-a")).out)
      .to.match(/^zone +z1$/m)
      .and.to.match(/^aggregates +racks$/m);
    await create("one", "--zone z1 --wait");
    expect((await novact("instance show one")).out).to.match(/^zone +z1$/m);
    const kept = await novact("aggregate set racks --no-zone");
    expect(kept.err).to.contain("an instance has asked for it: one (").and.contain("reason: inUse");
    await novact("instance delete one --wait");
    const set = await json("aggregate set racks --no-zone --metadata ssd=");
    expect(set).to.deep.include({ availabilityZone: null, metadata: { row: "3" } });
    await novact("aggregate remove-host racks host-a");
    expect((await novact("aggregate delete racks")).exit).to.equal(0);
    expect((await create("two", "--zone z1")).err).to.contain("There is no availability zone z1.");
  });

  it("flavor create keeps extra specs", async () => {
    const flavor = await json("flavor create pinned --vcpus 1 --memory 128 --spec hw:cpu_policy=dedicated");
    expect(flavor.extraSpecs).to.deep.equal({ "hw:cpu_policy": "dedicated" });
    expect((await novact("flavor show pinned")).out).to.match(/^extra specs +hw:cpu_policy=dedicated$/m);
  });

  it("instance create takes hints by name, a host for operators, and at least so many", async () => {
    await create("one", "--wait");
    expect((await create("two", "--same-host one --wait")).exit).to.equal(0);
    expect((await create("three", "--same-host nobody")).err).to.contain("There is no instance nobody.");
    expect((await create("three", "--host host-a")).err).to.contain("Only an operator");
    const made = await json("instance create many --flavor tiny --image tiny --count 20 --at-least 5");
    expect(made).to.have.length(14);
  });
});
