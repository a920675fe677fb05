/** The contracts of disks and keepers, on real disks and containers. */
import { randomBytes } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { disksContract, keeperContract } from "novact/contract";
import type { Keeper, MachineSpec } from "novact/plugin";
import { Cgroup } from "../src/cgroup.ts";
import { claimsIn, containersIn, extractionParent, hierarchies } from "../src/host.ts";
import { diskKeeper, processKeeper, strays } from "../src/keepers.ts";
import { recordedUids } from "../src/uid-range.ts";
import { ContainerWorld, needsContainers, type RegisteredImage } from "./world.ts";

const never = new AbortController().signal;

describe("what containers leave on a host", function () {
  this.timeout(60_000);
  let worlds: ContainerWorld[];
  before(function () {
    needsContainers(this);
  });
  beforeEach(() => {
    worlds = [];
  });
  afterEach(async () => {
    for (const world of worlds ?? []) await world.close();
  });
  const newWorld = () => {
    const world = new ContainerWorld();
    worlds.push(world);
    return world;
  };

  disksContract("the driver of containers' disks", async () => {
    const world = newWorld();
    const image = world.tarImage();
    const path = join(world.path, "kernel");
    writeFileSync(path, randomBytes(1_000));
    const kernelFile = world.register(path);
    return {
      disks: world.disks,
      makeSpec: ({ disk, kernel, diskGib = 0 }) => {
        const spec = world.spec(disk ? image : null, { diskGib });
        return { ...spec, image: { ...spec.image, kernel: kernel ? kernelFile : null } };
      },
      close: async () => undefined,
    };
  });

  /** A host with containers of one image, and the keepers of each life of its agent. */
  const keeping = (makeKeeper: (world: ContainerWorld) => Keeper, started: boolean) => async () => {
    const world = newWorld();
    const image = world.tarImage();
    const agent = world.agent();
    return {
      keeper: makeKeeper(world),
      keep: async (ownerEpoch: number) => {
        const spec = world.spec(image, { ownerEpoch });
        const paths = await world.disks.ensure(spec, never);
        if (started) await agent.start(spec, paths, never);
        return spec;
      },
      restartAgent: async () => {
        await agent.detach();
        return makeKeeper(world);
      },
      close: async () => undefined,
    };
  };
  keeperContract({
    ...{ name: "the keeper of containers' processes", timeoutMs: 60_000 },
    makeBench: keeping((world) => processKeeper(world.host, world.agent()), true),
  });
  keeperContract({
    ...{ name: "the keeper of containers' disks", timeoutMs: 60_000 },
    makeBench: keeping((world) => diskKeeper(world.host, world.disks), false),
  });

  describe("beyond the contracts", () => {
    let world: ContainerWorld;
    let image: RegisteredImage;
    beforeEach(() => {
      world = newWorld();
      image = world.tarImage();
    });
    const started = async (): Promise<MachineSpec> => {
      const spec = world.spec(image);
      await world.agent().start(spec, await world.disks.ensure(spec, never), never);
      return spec;
    };

    it("a disk that is to be kept stays, and so does that of a later owner epoch", async () => {
      const spec = { ...world.spec(image), ownerEpoch: 3 };
      await world.disks.ensure(spec, never);
      await world.disks.release(spec.instanceId, 3, { keepDisk: true });
      await world.disks.release(spec.instanceId, 2);
      expect(await world.disks.list()).to.have.length(1);
      await world.disks.release(spec.instanceId, 3);
      expect(await world.disks.list()).to.deep.equal([]);
    });

    it("a container of another node of the computer has other users, though it is of the same name", async () => {
      const other = { hostId: `${world.hostId}-b`, containers: containersIn(join(world.path, "b")) };
      const [here, there] = [world.disks, world.disksOf(other)];
      const spec = world.spec(image);
      try {
        const places = [await here.ensure(spec, never), await there.ensure(spec, never)];
        const users = await Promise.all(places.map(({ directory }) => recordedUids(directory)));
        expect(users[0]).to.be.a("number");
        expect(users[1]).to.be.a("number").and.not.equal(users[0]);
        const claims = () => readdirSync(claimsIn(world.path));
        expect(claims()).to.have.members(users.map(String));
        await there.release(spec.instanceId);
        expect(claims()).to.deep.equal([String(users[0])]);
        // Somebody has removed the claims, and another container has these users by now.
        rmSync(claimsIn(world.path), { recursive: true });
        const thief = await there.ensure(spec, never);
        expect(await recordedUids(thief.directory)).to.equal(users[0]);
        const refused = await here.ensure(spec, never).catch((error: unknown) => error);
        expect(refused).to.include({ reason: "hypervisorRefused" });
        expect(await here.list()).to.have.length(1);
      } finally {
        await new Cgroup(hierarchies(), "", extractionParent(other)).remove();
      }
    });

    it("a container whose directory is gone is a stray, and its processes can be ended", async () => {
      const { instanceId } = await started();
      await world.disks.release(instanceId);
      const [stray] = await strays(world.host);
      expect(stray).to.match(new RegExp(`cgroup ${instanceId}\\.1 .* has no directory\\.$`));
      const keeper = processKeeper(world.host, world.agent());
      const [left] = await keeper.list();
      expect(left?.instanceId).to.equal(instanceId);
      if (left !== undefined) await keeper.release(left, never);
      expect(await keeper.list()).to.deep.equal([]);
      expect(await strays(world.host)).to.deep.equal([]);
    });
  });
});
