/**
 * Hosts on which builds fail: which of them are disabled, and that no tenant can have them disabled. From
 * outside: clients, a memory bus, a memory store, and hosts that do what the test says.
 */
import { expect } from "chai";
import { placementLimits } from "../../protocol/limits/placement.ts";
import type { MachineSpec, Observation } from "../../protocol/machine.ts";
import type { MachineReason } from "../../protocol/states.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { controllerWorld } from "../support/controller-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;
type Outcome = (spec: MachineSpec) => Partial<Observation>;

const failing =
  (reason: MachineReason, isBad: (name: string) => boolean = () => true): Outcome =>
  ({ name }) =>
    isBad(name) ? { state: "failed", reason, message: "no" } : {};

describe("hosts on which build after build fails", function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.admin.image.register({ name: "second", kernel: { path: "/kernel" } });
  });
  afterEach(() => world.stop());

  const create = async (name: string, project: "demo" | "other" = "demo", image = "tiny") => {
    const wanted = { name, flavor: "tiny", image, wait: true };
    return world[project].instance.create(wanted).then(
      ({ operation }) => operation.state,
      (error: unknown) => (error instanceof StatusError ? error.reason : "thrown"),
    );
  };
  /** Creates alternately in two projects, with two images. */
  const createMixed = async (count: number) => {
    const mixed = [["demo", "tiny"] as const, ["other", "second"] as const];
    for (let n = 0; n < count; n += 1) {
      const [project, image] = mixed[n % 2] ?? ["demo", "tiny"];
      await create("bad", project, image);
    }
  };
  it("are disabled, with the reason, when it was their fault; enabled they begin anew", async () => {
    await world.host("bad", { outcome: failing("hypervisorRefused") });
    await world.host("idle", { architecture: "aarch64" });
    await createMixed(placementLimits.failedBuildsMax);
    const event = await disabledEvent(world);
    const reason = `${placementLimits.failedBuildsMax} builds failed on it in a row.`;
    expect(event).to.deep.include({ id: "bad", event: "disabled" });
    expect(event?.body).to.deep.include({ reason });
    const { host } = await world.admin.host.get("bad", {});
    expect(host).to.include({
      enabled: false,
      disabledReason: reason,
      failedBuilds: placementLimits.failedBuildsMax,
    });
    expect((await world.admin.host.enable("bad", {})).host).to.include({ enabled: true, failedBuilds: 0 });
  });

  for (const reason of ["guestFailed", "imageMissing", "crashLoop", "guestPanic", "processLost"] as const)
    it(`are not blamed for ${reason}: anybody can bring that about everywhere`, async () => {
      const outcome = failing(reason, (name) => name.startsWith("bad"));
      for (const id of ["a", "b", "c"]) await world.host(id, { outcome });
      await createMixed(placementLimits.failedBuildsMax + 2);
      const { hosts } = await world.admin.host.list({});
      expect(hosts.map(({ failedBuilds }) => failedBuilds)).to.deep.equal([0, 0, 0]);
      expect(await create("good", "other")).to.equal("done");
    });

  for (const [what, project, image] of [
    ["one project", "demo", undefined],
    ["one image", undefined, "tiny"],
  ] as const)
    it(`are not disabled for the builds of ${what} alone, and take those of others`, async () => {
      const outcome = failing("hypervisorRefused", (name) => name.startsWith("bad"));
      for (const id of ["a", "b", "c"]) await world.host(id, { outcome });
      for (let n = 0; n < placementLimits.failedBuildsMax + 2; n += 1) {
        const other = n % 2 === 0;
        await create("bad", project ?? (other ? "other" : "demo"), image ?? (other ? "second" : "tiny"));
      }
      const { hosts } = await world.admin.host.list({});
      for (const { failedBuilds, enabled } of hosts) {
        expect(failedBuilds).to.be.at.least(placementLimits.failedBuildsMax);
        expect(enabled).to.equal(true);
      }
      expect(await create("good", "other", "second")).to.equal("done");
    });

  it("are disabled up to a third of all: when more fail it is not they", async () => {
    const outcome = failing("diskFull", (name) => name.startsWith("bad"));
    for (const id of ["a", "b", "c"]) await world.host(id, { outcome });
    await createMixed(placementLimits.failedBuildsMax + 4);
    expect((await disabledEvent(world))?.id).to.be.oneOf(["a", "b", "c"]);
    const { hosts } = await world.admin.host.list({});
    for (const { failedBuilds } of hosts)
      expect(failedBuilds).to.be.at.least(placementLimits.failedBuildsMax);
    expect(hosts.filter(({ enabled }) => !enabled)).to.have.length(1);
    expect(await create("good", "other")).to.equal("done");
  });
});

async function disabledEvent(world: World) {
  for (let after = 0; ; ) {
    const { events, last } = await world.admin.event.list({ after, noun: "host", waitMs: 5_000 });
    const found = events.find(({ event }) => event === "disabled");
    if (found !== undefined || events.length === 0) return found;
    after = last;
  }
}
