/**
 * What guests are told, from outside: clients of two projects, two controllers, a host that makes config
 * drives and notes what it is told.
 */
import { expect } from "chai";
import type { GuestData } from "../../protocol/guest-data.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
type Host = Awaited<ReturnType<World["host"]>>;

const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here\n";
const secret = "#!/bin/sh\necho the-secret-of-the-guest\n";
const userData = Buffer.from(secret).toString("base64");
const able = {
  ...{ networks: [], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  configDrive: true,
};
const drivers: HostInventory["drivers"] = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: null },
  abilities: able,
};

describe("what guests are told", function () {
  this.timeout(30_000);
  let world: World;
  let host: Host;
  const noted: Noted[] = [];
  beforeEach(async () => {
    noted.length = 0;
    world = await controllerWorld({ controllers: 2, log: rememberingLog(noted) });
    host = await world.host("a", { drivers, vcpus: 1_000, memoryMib: 1_000_000 });
    await world.demo.keyPair.create({ name: "mine", publicKey });
  });
  afterEach(() => world.stop());

  const rest = { name: "Web one", flavor: "tiny", image: "tiny" };
  const wanted = { ...rest, wait: true };
  /** What the host was told last of an instance. */
  const told = (id: string): GuestData | undefined =>
    host.ensured.findLast(({ spec }) => spec.instanceId === id)?.spec.guest;

  it("is their key, their user data, their name and their metadata, at every start anew", async () => {
    const asked = { ...wanted, keyName: "mine", userData, metadata: { role: "web" } };
    const { instance } = await world.demo.instance.create(asked);
    const expected: GuestData = {
      hostname: "web-one",
      availabilityZone: "nova",
      launchIndex: 0,
      metadata: { role: "web" },
      publicKeys: [{ name: "mine", type: "ssh", publicKey }],
      userData,
      configDrive: true,
    };
    expect(told(instance.id)).to.deep.equal(expected);
    // The pair may go: the guest keeps its key. What people write afterwards is told at the next start.
    await world.demo.keyPair.delete("mine", {});
    await world.demo.instance.set(instance.id, { metadata: { role: "db" } });
    await world.demo.instance.stop(instance.id, { mode: "hard", wait: true });
    await world.demo.instance.start(instance.id, { wait: true });
    expect(told(instance.id)).to.deep.equal({ ...expected, metadata: { role: "db" } });
  });

  it("is shown but for the user data, which stands in no answer, no event and no log", async () => {
    const { instance, operation } = await world.demo.instance.create({
      ...wanted,
      keyName: "mine",
      userData,
    });
    const shown = { hostname: "web-one", keyName: "mine", configDrive: true, userDataBytes: secret.length };
    expect(instance).to.include(shown);
    expect((await world.demo.instance.get(instance.id, {})).instance).to.include(shown);
    const { instances } = await world.demo.instance.list({});
    expect(instances[0]).to.include(shown);
    await world.demo.instance.delete(instance.id, { wait: true });
    // A host that is to remove a guest is told nothing that it might not understand.
    expect(host.ensured.at(-1)?.spec).to.include({ name: instance.id }).and.not.have.property("guest");
    const { events } = await world.demo.event.list({ after: 0, limit: 1_000 });
    const everything = JSON.stringify([instance, instances, operation, events, noted]);
    expect(events).not.to.deep.equal([]);
    for (const text of [userData, secret, "the-secret", publicKey.slice(20, 60)])
      expect(everything, text).not.to.include(text);
  });

  it("is nothing but the name for whoever asks for nothing, and then needs no drive", async () => {
    const plain = await world.host("b");
    host.silent = true;
    await world.admin.host.disable("a", { reason: "spec" });
    const { instance } = await world.demo.instance.create(wanted);
    expect(instance).to.include({ hostname: "web-one", keyName: null, configDrive: false, userDataBytes: 0 });
    const { guest } = plain.ensured.find(({ spec }) => spec.instanceId === instance.id)?.spec ?? {};
    expect(guest).to.deep.include({
      hostname: "web-one",
      publicKeys: [],
      userData: null,
      configDrive: false,
    });
  });

  it("may be the name that was asked for, with a suffix for each of many, and a drive or none", async () => {
    const { instance } = await world.demo.instance.create({ ...wanted, hostname: "DB-1", configDrive: true });
    expect(told(instance.id)).to.deep.include({ hostname: "DB-1", configDrive: true });
    const without = await world.demo.instance.create({ ...wanted, userData, configDrive: false });
    expect(told(without.instance.id)).to.deep.include({ userData, configDrive: false });
    const many = { ...wanted, hostname: "node", count: 2, userData };
    const { all = [] } = await world.demo.instance.create(many);
    const names = all.map(({ instance: { id } }) => [told(id)?.hostname, told(id)?.launchIndex]);
    expect(names).to.deep.equal([
      ["node-1", 0],
      ["node-2", 1],
    ]);
    const long = await refused(world.demo.instance.create({ ...many, hostname: "x".repeat(62) }));
    expect([long.reason, long.message]).to.deep.equal([
      "schemaMismatch",
      "The field hostname may have 61 characters with a count of 2, for each gets a suffix; it has 62.",
    ]);
  });

  it("needs a key pair that is there, and the caller's own", async () => {
    await world.other.keyPair.create({ name: "theirs", publicKey });
    for (const keyName of ["none", "theirs"]) {
      const error = await refused(world.demo.instance.create({ ...wanted, keyName }));
      expect([error.reason, error.message]).to.deep.equal([
        "unknownKeyPair",
        `There is no key pair ${keyName}.`,
      ]);
      const rehearsed = await refused(world.demo.instance.explainCreate({ ...rest, keyName }));
      expect(rehearsed.reason).to.equal("unknownKeyPair");
    }
    const { keyPair } = await world.demo.keyPair.get("mine", {});
    const byId = await world.demo.instance.create({ ...wanted, keyName: keyPair.id });
    expect(byId.instance.keyName).to.equal("mine");
  });

  for (const [what, fields] of [
    ["user data that is no base64", { userData: "the-secret!" }],
    ["too much user data", { userData: `the-secret${"A".repeat(65_526)}` }],
    ["a name with a dot", { hostname: "the-secret.example" }],
  ] as const)
    it(`is not ${what}, and the refusal does not repeat it`, async () => {
      const error = await refused(world.demo.instance.create({ ...wanted, ...fields }));
      expect(error.reason).to.equal("schemaMismatch");
      expect(error.message).to.match(/^The field (?:userData|hostname) must be /);
      expect(JSON.stringify([error.toBody(), noted])).not.to.include("the-secret");
    });

  it("goes only to hosts that make drives", async () => {
    await world.admin.host.disable("a", { reason: "spec" });
    await world.host("b", { drivers: { ...drivers, abilities: { ...able, configDrive: false } } });
    await world.host("c");
    const error = await refused(world.demo.instance.create({ ...wanted, userData }));
    expect(error.reason).to.equal("noValidHost");
    expect(JSON.stringify(error.toBody())).to.include("config drive");
  });

  it("is too much at once where many would each have much of it", async () => {
    const large = Buffer.alloc(49_149, 1).toString("base64");
    const error = await refused(world.demo.instance.create({ ...wanted, count: 200, userData: large }));
    expect(error.reason).to.equal("answerTooLarge");
    expect(error.message).to.match(/user data in 200 instances at once/);
  });
});
