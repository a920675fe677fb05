/**
 * Instances whose root disk is a volume, in a whole cluster: PostgreSQL, NATS, a controller, and a compute
 * node as a process of its own with QEMU. What is believed is what the guests say on their consoles: each
 * counts on its root disk how often it was booted. Needs all of these, and the tiny guest that the set-up
 * builds; no root.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { refused, until } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
/** Of 25 ms each: more than a minute. */
const triesMax = 2_900;
const wait = true;

const counting = `#!/bin/sh
boots=$(cat /root/boots 2>/dev/null)
boots=$((\${boots:-0} + 1))
echo $boots >/root/boots
sync
echo "NOVACT-GUEST BOOT $boots on $(awk '$2 == "/" { print $1 }' /proc/mounts | tail -n 1)"
`;

describe("instances whose root disk is a volume", function () {
  this.timeout(240_000);
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let demo: Novact;

  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg" }],
      imageSources: guest.directory,
      start: async (file) => {
        agent = await startAgentOf(node, file);
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const [disk, kernel] = [{ path: guest.disk, format: "qcow2" as const }, { path: guest.kernel }];
    await admin.image.register({ name: "disk", disk });
    const commandLine = `${guest.commandLine} root=LABEL=guest-root`;
    await admin.image.register({ name: "kernel", kernel, ramdisk: { path: guest.ramdisk }, commandLine });
  });
  after(async () => {
    await demo?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
  });

  const create = async (asked: object) => {
    const userData = Buffer.from(counting).toString("base64");
    const made = await demo.instance.create({ name: "vm", flavor: "tiny", userData, wait, ...asked });
    const { failure } = (await demo.instance.get(made.instance.id, {})).instance;
    if (failure !== null) throw new Error(`It failed: ${failure.message}`);
    return made.instance;
  };
  const says = async ({ id }: Instance, word: string) => {
    const text = async () => (await demo.instance.console(id, { tailLines: 500 })).text;
    await until(text, (said) => said.includes(word), triesMax);
  };
  const gone = async ({ id }: Instance) => {
    await demo.instance.delete(id, { wait });
    const statuses = async () =>
      (await demo.volume.list({})).volumes.map(({ status }) => status ?? "").join();
    await until(statuses, (all) => all === "available", triesMax);
  };

  it("boot from one that is made of an image, by firmware, and by a kernel from its copy, and find what they wrote", async () => {
    const first = await create({
      volumes: [
        { image: "disk", bootIndex: 0 },
        { sizeGib: 1, deleteOnTermination: true },
      ],
    });
    await says(first, "NOVACT-GUEST BOOT 1 on /dev/vda2");
    const own = join(cluster.state(node), "guests", first.id);
    expect([existsSync(own), existsSync(join(own, "disk.qcow2"))]).to.deep.equal([true, false]);
    const [root] = (await demo.instance.get(first.id, {})).instance.volumes ?? [];
    const volume = root?.volumeId ?? "";
    expect((await refused(demo.instance.volumeDetach(first.id, { volume }))).reason).to.equal("rootVolume");
    await gone(first);

    const { volume: clone } = await demo.volume.create({ name: "clone", sourceVolume: volume });
    const statusOf = async () => (await demo.volume.get(clone.id, {})).volume.status;
    await until(statusOf, (status) => status === "available", triesMax);
    const second = await create({ image: "kernel", volumes: [{ volume: clone.id, bootIndex: 0 }] });
    await says(second, "NOVACT-GUEST BOOT 2 on /dev/vda2");
    await demo.instance.delete(second.id, { wait });
  });
});
