/** The contract of hypervisors, on real containers. */
import { expect } from "chai";
import { hypervisorContract } from "novact/contract";
import { ContainerWorld, needsContainers, type RegisteredImage } from "./world.ts";

describe("containers by crun", () => {
  let world: ContainerWorld;
  let image: RegisteredImage;
  before(function () {
    needsContainers(this);
    world = new ContainerWorld();
    image = world.tarImage();
  });
  after(() => world?.close());

  it("resets again and again: no reset hits the boot of the one before", async function () {
    this.timeout(60_000);
    const never = new AbortController().signal;
    const spec = world.spec(image);
    const hypervisor = world.agent();
    await hypervisor.start(spec, await world.disks.ensure(spec, never), never);
    for (let boots = 1; boots <= 6; boots += 1) {
      await hypervisor.reset(spec.instanceId, never);
      expect((await hypervisor.inspect(spec.instanceId))?.status).to.equal("running");
    }
    await hypervisor.halt(spec.instanceId, never);
  });

  hypervisorContract({
    name: "the driver of containers",
    timeoutMs: 60_000,
    makeSpec: (ownerEpoch) => world.spec(image, { ownerEpoch }),
    makeBench: async () => {
      const started = new Set<string>();
      let hypervisor = world.agent();
      return {
        hypervisor,
        restartAgent: async () => {
          hypervisor = world.agent();
          return hypervisor;
        },
        paths: (spec) => {
          started.add(spec.instanceId);
          return world.disks.ensure(spec, new AbortController().signal);
        },
        kill: async (instanceId) => {
          const guest = await hypervisor.inspect(instanceId);
          if (guest !== undefined) process.kill(guest.pid, "SIGKILL");
        },
        booted: async (instanceId) => void (await world.untilSaid(instanceId, "it is up")),
        boots: async (instanceId) => (await world.console(instanceId)).split("it is up").length - 1,
        close: async () => {
          for (const instanceId of started) {
            await hypervisor.halt(instanceId, new AbortController().signal);
            await world.disks.release(instanceId);
          }
          await hypervisor.detach();
        },
      };
    },
  });
});
