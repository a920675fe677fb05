/** Parts of plug-ins in a whole cluster: what users and operators see of a filter that works or fails. */
import { expect } from "chai";
import { efforts, type Filter } from "../../actors/control/scheduler/filters/filter.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { commandOn, connectOn } from "../nodes/cli/cli-world.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";

const hot: Filter = {
  name: "acme.cool",
  effort: efforts.waiting,
  check: ({ name }) => {
    if (name === "host-h1") throw new Error("no sensor at /secret/path");
    return name !== "host-h2" || (() => ({ reason: "the host is hot", remedy: "cool the host" }));
  },
};

describe("a filter of a plug-in", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;

  beforeEach(async () => {
    world = await controllerWorld({
      foreign: { filters: [hot], weighers: [] },
      log: { ...silentLog, error: () => undefined },
    });
    for (const id of ["h0", "h1", "h2"]) await world.host(id);
  });
  afterEach(() => world.stop());

  const asked = { flavor: "tiny", image: "tiny" };

  it("explains itself, and what would help, as ours do", async () => {
    const { hosts } = await world.demo.instance.explainCreate({ ...asked, name: "m" });
    const said = Object.fromEntries(hosts.map(({ hostId, filters }) => [hostId, filters["acme.cool"]]));
    expect(said).to.deep.equal({ h0: true, h1: "the filter acme.cool failed", h2: "the host is hot" });
    expect(hosts.find(({ hostId }) => hostId === "h2")?.remedy).to.equal("cool the host");
  });

  it("that fails harms nobody else: what fits elsewhere is made, and the doctor names the filter", async () => {
    for (let count = 0; count < 5; count += 1) {
      const { instance } = await world.demo.instance.create({ ...asked, name: `m${count}` });
      expect(instance.hostId).to.equal("h0");
    }
    const { findings } = await world.admin.doctor.examine({});
    expect(findings.filter(({ subject }) => subject === "plug-in acme")).to.have.length(1);
    expect(findings.find(({ subject }) => subject === "plug-in acme")?.message).to.equal(
      "acme.cool has failed when the scheduler asked it: no sensor at /secret/path. " +
        "A filter then refuses the host, a weigher counts 0.",
    );
  });

  it("that fails for every host denies with its name, and without its words", async () => {
    await world.admin.host.disable("h0", { reason: "new disk" });
    const denied: unknown = await world.demo.instance.create({ ...asked, name: "m" }).catch((error) => error);
    expect(denied).to.be.instanceOf(StatusError).and.to.include({ reason: "noValidHost" });
    expect(String(denied)).to.contain("the filter acme.cool refused 2").and.not.contain("secret");
  });
});

describe("plug-ins that differ", () => {
  const acme = { name: "acme", version: "1.0.0" };

  it("are told by the doctor, with the controllers that have them, and by novact version", async () => {
    const world = await controllerWorld({
      controllers: 2,
      plugins: [[acme], [{ ...acme, version: "1.1.0" }]],
    });
    try {
      await world.host("h0");
      const { findings } = await world.admin.doctor.examine({});
      expect(findings.map(({ subject }) => subject)).to.have.length(1);
      expect(findings[0]?.message).to.match(
        /^It has loaded acme 1\.[01]\.0; controller-[12], which was asked, has acme 1\.[01]\.0\.$/,
      );
      const { out } = await commandOn(connectOn(world.bus, "test").connect)("version");
      expect(out).to.match(/^WHAT +NAME +RUNS +PLUG-INS$/m);
      expect(out).to.match(/^controller +controller-2 +1\.0\.0, differs +acme 1\.1\.0$/m);
      expect(out).to.match(/^host +host-h0 +0\.0\.0, differs +unknown$/m);
    } finally {
      await world.stop();
    }
  });
});
