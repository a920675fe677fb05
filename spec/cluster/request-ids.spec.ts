/**
 * A command's request id in the logs of every process that did something for it: the controller that took
 * it, and the agent of the host. That is how `novact logs --request` finds them.
 */
import { expect } from "chai";
import { assembleCompute } from "../../nodes/compute/assembly.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { inventoryOf } from "../support/scripted-host.ts";

interface Line {
  readonly process: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

describe("the request id of a command", function () {
  this.timeout(20_000);

  it("is in the lines of the controller and of the host's agent, with the instance and the work", async () => {
    const lines: Line[] = [];
    const logOf = (process: string): Log => {
      const keep = (fields: Line["fields"], message: string) => {
        lines.push({ process, fields, message });
      };
      return { debug: keep, info: keep, warn: keep, error: keep };
    };
    const world = await controllerWorld({ log: logOf("controller") });
    const machine = new FakeWorld({ clock: systemClock, shutdownLatencyMs: 2 });
    const compute = assembleCompute({
      ...{ cell: "test", bus: world.bus, clock: systemClock, ids: systemIds(0), bootsMax: 4 },
      log: logOf("node"),
      drivers: createFakeDrivers({ world: machine }),
      inventory: inventoryOf("a"),
    });
    try {
      while (!(await world.admin.host.list({})).hosts.some(({ id }) => id === "a"))
        await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
      const asked = { name: "web", flavor: "tiny", image: "tiny", wait: true };
      const { instance, operation } = await world.demo.instance.create(asked, { requestId: "made-by-hand" });
      const about = lines.filter(({ fields }) => fields.requestId === "made-by-hand");
      const done = about.find(({ message }) => message === "a command was carried out");
      expect(done?.process).to.equal("controller");
      expect(done?.fields).to.include({
        method: "instance.create",
        project: "demo",
        operationId: operation.id,
      });
      expect(done?.fields).to.include({ instanceId: instance.id });
      const work = about.find(({ message }) => message === "Work of a machine is done.");
      expect(work?.process).to.equal("node");
      expect(work?.fields).to.include({ instanceId: instance.id, work: "boot" });
      await world.demo.instance.pause(instance.id, { wait: true }, { requestId: "another" });
      const next = lines.filter(({ fields }) => fields.requestId === "another");
      expect(next.map(({ fields }) => fields.work)).to.include("pause");
      expect(next.map(({ fields }) => fields.id)).to.include(instance.id);
    } finally {
      await compute.stop({ guests: true, patienceMs: 100 });
      await world.stop();
    }
  });
});
