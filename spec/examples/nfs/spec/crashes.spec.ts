/**
 * Agents that die before any call of the server, servers that do not keep the promise, and hosts that come
 * late: on a server in memory.
 */
import { expect } from "chai";
import { StatusError, type VolumeUse } from "novact/plugin";
import { groupOf } from "../src/names.ts";
import { type Nfs, NfsError } from "../src/nfs.ts";
import { silent } from "../src/refusals.ts";
import type { NfsVolumes } from "../src/storage.ts";
import { FakeNfs } from "./fake-nfs.ts";
import { firstGroup, makeHosts, totalBytes } from "./worlds.ts";

const never = new AbortController().signal;
const mib = 1024 ** 2;
const use = (epoch: number, instanceId = "i1"): VolumeUse => ({
  ...{ instanceId, ownerEpoch: epoch, epoch, takesOver: true, mode: "readWrite" },
});
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing",
    (error: unknown) => (error instanceof StatusError ? error.reason : String(error)),
  );

/** Makes, opens, extends, takes over, releases and removes, like an agent with all of that to do. */
async function live(volumes: NfsVolumes): Promise<void> {
  await volumes.create("v2", { epoch: 1, sizeBytes: mib }, never);
  await volumes.open("v1", use(2), never);
  await volumes.extend("v1", { epoch: 2, sizeBytes: 2 * mib }, never);
  await volumes.open("v2", use(1, "i2"), never);
  const [, one] = await volumes.list();
  if (one !== undefined) await volumes.release(one, never);
  await volumes.remove("v2", 1, never);
}

/** A server on which a volume stands under epoch 1, and two hosts. */
async function worldWithVolume() {
  const hosts = makeHosts();
  await hosts.volumes.create("v1", { epoch: 1, sizeBytes: mib }, never);
  return hosts;
}

const fileOf = async (nfs: Nfs, directory: string) => {
  const { handle } = await nfs.lookup(await nfs.root(), directory);
  return nfs.lookup(handle, "data.raw");
};

describe("an agent on a server of NFS", () => {
  it("that dies before any call does in its next life what it was asked for, and leaves nothing", async () => {
    let calls = 1;
    for (let patience = 0; patience < calls; patience += 1) {
      const { nfs, volumes, restartAgent } = await worldWithVolume();
      let made = 0;
      nfs.before = () => {
        made += 1;
        if (made > patience) throw silent();
      };
      const died = await reasonOf(live(volumes));
      if (died === "nothing") break;
      calls = patience + 2;
      nfs.before = () => undefined;
      const next = await restartAgent();
      await live(next);
      const kept = await next.volumes();
      expect(
        kept.map(({ volumeId, epoch, sizeBytes, whole }) => [volumeId, epoch, sizeBytes, whole]),
      ).to.deep.equal([["v1", 2, 2 * mib, true]], `after ${patience} calls`);
      const root = (await nfs.list(await nfs.root())).map(({ name }) => name).sort();
      expect(root, `after ${patience} calls`).to.deep.equal(["storage", "v1.e2"]);
    }
    expect(calls).to.be.above(40);
  });

  it("gives a volume no name that its group does not go with, wherever it dies", async () => {
    for (let patience = 0; ; patience += 1) {
      const { nfs, other } = await worldWithVolume();
      let made = 0;
      nfs.before = () => {
        made += 1;
        if (made > patience) throw silent();
      };
      const died = await reasonOf(other.open("v1", use(2), never));
      nfs.before = () => undefined;
      const named = (await nfs.list(await nfs.root())).find(({ name }) => name.startsWith("v1."))?.name ?? "";
      const { handle, attributes } = await fileOf(nfs, named);
      if (named === "v1.e2") expect(attributes.gid).to.equal(groupOf(firstGroup, 2));
      const former = await nfs.write(handle, Buffer.from("late"), groupOf(firstGroup, 1)).then(
        () => "written",
        () => "refused",
      );
      expect(former, `after ${patience} calls`).to.equal(
        attributes.gid === groupOf(firstGroup, 1) ? "written" : "refused",
      );
      if (died === "nothing") return;
    }
  });

  it("that was held up in the middle of a take-over does not give a volume back", async () => {
    const { nfs, volumes, other } = await worldWithVolume();
    let isHeldUp = false;
    const between = async () => {
      isHeldUp = false;
      await other.open("v1", use(3), never);
    };
    const change = nfs.change.bind(nfs);
    nfs.change = async (file, wanted) => {
      if (isHeldUp && wanted.gid === groupOf(firstGroup, 2)) await between();
      return change(file, wanted);
    };
    await other.facts();
    await volumes.facts();
    isHeldUp = true;
    expect(await reasonOf(volumes.open("v1", use(2), never))).to.equal("staleEpoch");
    expect((await fileOf(nfs, "v1.e3")).attributes.gid).to.equal(groupOf(firstGroup, 3));
    expect([await volumes.list(), (await other.list()).length]).to.deep.equal([[], 1]);
  });

  it("takes a volume over from a writer that writes on, and asks again when it cannot", async () => {
    const { nfs, volumes, other } = await worldWithVolume();
    await other.facts();
    const { handle } = await fileOf(nfs, "v1.e1");
    const change = nfs.change.bind(nfs);
    let writes = Number.POSITIVE_INFINITY;
    nfs.change = async (file, wanted) => {
      writes -= 1;
      if (writes >= 0) await nfs.write(handle, Buffer.from("on and on"), groupOf(firstGroup, 1));
      return change(file, wanted);
    };
    expect(await reasonOf(other.open("v1", use(2), never))).to.equal("storageUnknown");
    expect((await fileOf(nfs, "v1.e1")).attributes.gid).to.equal(groupOf(firstGroup, 1));
    writes = 100;
    await other.open("v1", use(2), never);
    expect((await fileOf(nfs, "v1.e2")).attributes.gid).to.equal(groupOf(firstGroup, 2));
    expect(await reasonOf(volumes.open("v1", use(1), never))).to.equal("staleEpoch");
  });

  it("that comes late to extend a volume changes nothing of it", async () => {
    const { nfs, volumes, other } = await worldWithVolume();
    const resize = nfs.resize.bind(nfs);
    nfs.resize = async (file, sizeBytes, gid) => {
      nfs.resize = resize;
      await other.open("v1", use(2), never);
      await other.extend("v1", { epoch: 2, sizeBytes: 8 * mib }, never);
      return resize(file, sizeBytes, gid);
    };
    const late = volumes.extend("v1", { epoch: 1, sizeBytes: 2 * mib }, never);
    expect(await reasonOf(late)).to.equal("hypervisorRefused");
    expect((await volumes.volumes()).map(({ sizeBytes }) => sizeBytes)).to.deep.equal([8 * mib]);
  });

  it("that is begun again asks again, whatever call the server cannot answer yet", async () => {
    for (const call of ["root", "lookup", "list", "makeFile", "change", "write"] as const) {
      const { nfs, volumes } = makeHosts();
      nfs.before = (asked) => {
        if (asked === call) throw new NfsError("later", "The server begins.");
      };
      const wanted = { epoch: 1, sizeBytes: mib };
      expect(await reasonOf(volumes.create("v1", wanted, never)), call).to.equal("storageUnknown");
      nfs.before = () => undefined;
      await volumes.create("v1", wanted, never);
    }
  });

  it("that has a handle which the server does not know any more takes no volume for gone", async () => {
    const { nfs, volumes } = await worldWithVolume();
    const asked = { lists: () => volumes.volumes(), opens: () => volumes.open("v1", use(1), never) };
    for (const [what, ask] of Object.entries(asked)) {
      let isKnown = true;
      nfs.before = (call) => {
        if (call === "list") isKnown = false;
        else if (!isKnown && call === "lookup") {
          isKnown = true;
          throw new NfsError("stale", "The server does not know it.");
        }
      };
      expect(await reasonOf(ask()), what).to.equal("storageUnknown");
    }
    nfs.before = () => undefined;
    expect((await volumes.volumes()).map(({ volumeId }) => volumeId)).to.deep.equal(["v1"]);
  });

  it("that grows a volume under a guest tells its next start the size, whoever asks first", async () => {
    const { volumes, bridges } = await worldWithVolume();
    const wanted = { epoch: 1, sizeBytes: 2 * mib };
    await volumes.open("v1", use(1), never);
    bridges.host.connected = true;
    for (const _ of ["asked", "asked again"])
      expect(await volumes.extend("v1", wanted, never)).to.equal(2 * mib);
    await volumes.open("v1", use(1), never);
    expect(bridges.host.sizes()).to.deep.equal([mib]);
    bridges.host.connected = false;
    await volumes.open("v1", use(1), never);
    expect(bridges.host.sizes()).to.deep.equal([2 * mib]);
  });

  it("that grew a volume and heard of no success begins the bridge anew when it is asked again", async () => {
    const { volumes, bridges } = await worldWithVolume();
    await volumes.open("v1", use(1), never);
    bridges.host.connected = true;
    await volumes.extend("v1", { epoch: 1, sizeBytes: 2 * mib }, never);
    bridges.host.connected = false;
    await volumes.extend("v1", { epoch: 1, sizeBytes: 2 * mib }, never);
    expect(bridges.host.sizes()).to.deep.equal([2 * mib]);
  });

  it("refuses a server that lets a former writer write, and leaves nothing on it", async () => {
    const { nfs, volumes } = makeHosts(new FakeNfs({ totalBytes, ownerGid: 900, ignoresGroups: true }));
    const wanted = { epoch: 1, sizeBytes: mib };
    expect(await reasonOf(volumes.create("v1", wanted, never))).to.equal("hypervisorRefused");
    expect((await nfs.list(await nfs.root())).map(({ name }) => name)).to.deep.equal(["storage"]);
  });

  it("gives a storage one id, whichever host comes first", async () => {
    const { volumes, other } = makeHosts();
    const [one, two] = await Promise.all([volumes.facts(), other.facts()]);
    expect(one.storageId).to.be.a("string").and.equal(two.storageId);
  });

  it("keeps the directory of one node from every other, and from nodes that share one", async () => {
    const own = makeHosts(undefined, false);
    expect((await own.volumes.facts()).storageId).to.equal(null);
    expect(await reasonOf(own.other.facts())).to.equal("hypervisorRefused");
    expect(await reasonOf(own.other.volumes())).to.equal("hypervisorRefused");
    expect(await reasonOf(makeHosts(own.nfs, true).volumes.facts())).to.equal("hypervisorRefused");
    const shared = makeHosts();
    await shared.volumes.facts();
    expect(await reasonOf(makeHosts(shared.nfs, false).volumes.facts())).to.equal("hypervisorRefused");
  });
});
