/** An agent that does not know what a guest needs: it refuses, and leaves alone what another one began. */
import { expect } from "chai";
import { parseFile } from "../../actors/node/machine/file.ts";
import { agentNeeds } from "../../protocol/agent-needs.ts";
import { ensure } from "../actors/node/machine/worlds.ts";
import { failureOf } from "../support/actor-world.ts";
import { HostWorld } from "../support/host-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";

describe("a host's agent, and needs that it does not know", () => {
  let world: HostWorld;
  beforeEach(() => {
    world = new HostWorld();
  });
  afterEach(() => world.end());

  const request = { ...ensure({}, { instanceId: "a" }), needs: ["lease", "levitation", "patience"] };

  it("refuses before it starts or writes anything, and names them", async () => {
    const refused = await failureOf(world.host.handlers.ensure(request, world.context()));
    expect([refused.code, refused.reason]).to.deep.equal(["UNIMPLEMENTED", "unknownNeed"]);
    expect(refused.message).to.contain("levitation, patience");
    await world.clock.settle();
    expect(world.machine.list()).to.deep.equal([]);
    expect(world.writes).to.equal(0);
  });

  it("leaves a guest alone whose file was written by an agent that knew more, and starts none for it", async () => {
    await world.ensure("a");
    await world.stopAgent();
    const content = { ...JSON.parse(world.machine.machineFiles.get("a") ?? ""), needs: ["levitation"] };
    expect(parseFile("a", content, agentNeeds)).to.equal(undefined);
    expect(parseFile("a", content, [...agentNeeds, "levitation"])).to.deep.equal(content);
    world.machine.machineFiles.set("a", JSON.stringify(content));
    world.machine.kill("a");
    world.startAgent();
    await world.clock.advance(60_000);
    expect(world.machine.list()).to.deep.equal([]);
    const { strays } = await world.settled(() => world.host.handlers.audit({}, world.context()));
    expect(strays).to.have.length(1);
    expect(strays.join()).to.contain("The machine file of a needs an agent that knows more (levitation)");
  });

  describe("that is set back, and renewed later", () => {
    /** The file of a guest whose process has ended was written by an agent that knew more. */
    beforeEach(async () => {
      await world.ensure("a");
      await world.stopAgent();
      const content = { ...JSON.parse(world.machine.machineFiles.get("a") ?? ""), needs: ["levitation"] };
      world.machine.machineFiles.set("a", JSON.stringify(content));
      world.machine.kill("a");
      world.startAgent();
      await world.clock.advance(60_000);
      expect(world.machine.list()).to.deep.equal([]);
    });

    const renew = async () => {
      await world.stopAgent();
      world.knows = [...agentNeeds, "levitation"];
      world.startAgent();
      await world.clock.runUntil(() => world.machine.find("a")?.status === "running", 60_000);
    };

    it("goes on with the machine as its file says", async () => {
      await renew();
      const { strays } = await world.settled(() => world.host.handlers.audit({}, world.context()));
      expect(strays).to.deep.equal([]);
    });

    it("removes all of a machine that nobody wants any more, when it is told so", async () => {
      await renew();
      await world.ensure("a", { generation: 2, power: "deleted" });
      await world.until("a", "gone");
      expect([world.machine.list(), machineFilesOf(world.machine)]).to.deep.equal([[], []]);
    });

    it("removes it also before it is renewed, when it is told so: that needs nothing", async () => {
      await world.ensure("a", { generation: 2, power: "deleted" });
      await world.until("a", "gone");
      const { strays } = await world.settled(() => world.host.handlers.audit({}, world.context()));
      expect([strays, machineFilesOf(world.machine)]).to.deep.equal([[], []]);
    });
  });
});
