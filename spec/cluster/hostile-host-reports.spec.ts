/**
 * A hostile host reports as fast as the door lets it: registrations, lists of all its machines, deeds of its
 * guard. What it leaves behind in tables, events and logs is bounded, and an honest host is told from it.
 */
import { expect } from "chai";
import { fleetLimits } from "../../actors/control/fleet/limits.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { ReportedDeed } from "../../protocol/machine.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { inventoryOf, type ScriptedHost } from "../support/scripted-host.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

const { registrationsBurstMax, deedsBurstMax, completeReportsBurstMax } = fleetLimits;

describe("a host that reports too much", function () {
  this.timeout(60_000);
  const noted: Noted[] = [];
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    noted.length = 0;
    world = await controllerWorld({ log: rememberingLog(noted) });
  });
  afterEach(() => world.stop());

  const lines = () => noted.filter(({ level }) => level !== "debug");
  const say = async (host: string, method: string, request: object): Promise<string> => {
    const body = Buffer.from(JSON.stringify(request));
    const subject = `novact.v1.test.report.${host}.${method}`;
    const { headers } = await world.bus.request(subject, { headers: {}, body }, 5_000);
    return headers["Novact-Reason"] ?? "taken";
  };
  const register = (host: string, change: object = {}) =>
    say(host, "register", { inventory: { ...inventoryOf(host), ...change }, machines: [], knows: [] });
  const events = async (noun: string, id: string, event: string) => {
    const all = await world.admin.event.list({ after: 0, noun, id, limit: 1_000 });
    return all.events.filter((one) => one.event === event);
  };
  const create = async (name: string, host: string) => {
    const asked = { name, flavor: "tiny", image: "tiny", host, wait: true };
    return (await world.admin.instance.create(asked)).instance.id;
  };
  const deed = (instanceId: string, number: number, given: Partial<ReportedDeed> = {}): ReportedDeed => ({
    ...{ number, instanceId, ownerEpoch: 1, what: "stopped", why: "leaseEnded", atMs: 1_000 },
    ...given,
  });
  const deeds = (instanceId: string, from: number) =>
    Array.from({ length: leaseLimits.guardDeedsPageMax }, (_, index) => deed(instanceId, from + index));
  const counted = (answers: readonly string[]) =>
    Object.fromEntries(
      [...Map.groupBy(answers, (answer) => answer)].map(([word, all]) => [word, all.length]),
    );
  const findings = async () =>
    (await world.admin.doctor.examine({})).findings.map(({ subject, message }) => `${subject}: ${message}`);

  it("is no news when it registers as it is: no event, no row, no line", async () => {
    const host = await world.host("a");
    const { last } = await world.admin.event.list({});
    const before = lines().length;
    for (let times = 0; times < 200; times += 1) expect(await register("a")).to.equal("taken");
    await host.register();
    expect((await world.admin.event.list({})).last).to.equal(last);
    // Its list of all machines is budgeted as well.
    expect(lines().length - before).to.equal(1);
    expect(await register("a", { bootId: "boot-2" })).to.equal("taken");
    expect(await events("host", "a", "registered")).to.have.length(2);
    expect((await world.store.hosts.get("a"))?.bootId).to.equal("boot-2");
  });

  it("is no news either when it offers less than its guests take", async () => {
    await world.host("a");
    await create("one", "a");
    const small = { vcpus: 0, memoryMib: 0 };
    expect(await register("a", small)).to.equal("taken");
    const before = lines().length;
    for (let times = 0; times < 50; times += 1) expect(await register("a", small)).to.equal("taken");
    expect(lines().length - before).to.equal(1);
    expect(await events("host", "a", "registered")).to.have.length(2);
  });

  it("may say something new of itself now and then, and is refused beyond that", async () => {
    await world.host("evil");
    const before = lines().length;
    const answers: string[] = [];
    for (let times = 0; times < 200; times += 1)
      answers.push(await register("evil", { hypervisorVersion: `v${times}` }));
    expect(counted(answers)).to.deep.equal({
      taken: registrationsBurstMax - 1,
      tooManyRequests: 201 - registrationsBurstMax,
    });
    expect(await events("host", "evil", "registered")).to.have.length(registrationsBurstMax);
    expect(lines().length - before).to.equal(1);
    // An honest agent on the same computer says what is stored: it is let in at once.
    const { hypervisorVersion = "" } = (await world.store.hosts.get("evil")) ?? {};
    expect(await register("evil", { hypervisorVersion })).to.equal("taken");
    await until(findings, (found) =>
      found.includes(
        "host host-evil: It reports more than an honest host does, and what is beyond that is refused.",
      ),
    );
  });

  it("may tell of so many deeds of its guard, about guests that it had", async () => {
    const evil = await world.host("evil");
    const id = await create("one", "evil");
    const answers: string[] = [];
    for (let page = 0; page < 100; page += 1)
      answers.push(await toldBy(evil, deeds(id, 1 + page * leaseLimits.guardDeedsPageMax)));
    const pagesMax = deedsBurstMax / leaseLimits.guardDeedsPageMax;
    expect(counted(answers)).to.deep.equal({ taken: pagesMax, tooManyRequests: 100 - pagesMax });
    expect((await events("instance", id, "guarded")).length).to.be.at.most(deedsBurstMax);
  });

  it("is heard of no other guests, in one line however often it tells of them", async () => {
    const [evil] = [await world.host("evil"), await world.host("good")];
    const theirs = await create("theirs", "good");
    const own = await create("own", "evil");
    const before = lines().length;
    const foreign = [deed(theirs, 1), deed("no-such-instance", 2), deed(own, 3, { ownerEpoch: 7 })];
    for (let times = 0; times < 50; times += 1) await evil.guarded(...foreign);
    for (const id of [theirs, own]) expect(await events("instance", id, "guarded")).to.deep.equal([]);
    expect(await events("host", "evil", "guarded")).to.deep.equal([]);
    expect(lines().length - before).to.equal(1);
    expect(lines().at(-1)?.fields).to.deep.include({ host: "evil", foreignDeeds: 3 });
  });

  it("makes controllers ask for its missing machines a few times only", async () => {
    const evil = await world.host("evil", { vcpus: 64 });
    const ids = [];
    for (let number = 0; number < 10; number += 1) ids.push(await create(`n${number}`, "evil"));
    const asked = evil.ensured.length;
    const beat = { complete: true, machines: [], stopping: false, leaseEpoch: 0 };
    for (let times = 0; times < 100; times += 1)
      expect(await say("evil", "heartbeat", beat)).to.equal("taken");
    await until(
      async () => evil.ensured.length - asked,
      (count) => count >= 10,
    );
    // The actors have done what they were told before these commands.
    for (const id of ids) await world.admin.instance.pause(id, { wait: true });
    expect(evil.ensured.length - asked).to.be.at.most(ids.length * (completeReportsBurstMax + 1));
  });

  async function toldBy(host: ScriptedHost, all: readonly ReportedDeed[]): Promise<string> {
    return host.guarded(...all).then(
      () => "taken",
      async (thrown) => (await refused(Promise.reject(thrown))).reason,
    );
  }
});
