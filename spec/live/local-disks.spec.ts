/**
 * Ephemeral and swap disks in a whole cluster: PostgreSQL, NATS, a controller, and a compute node as a
 * process of its own with QEMU. What is believed is what the guest says on its console: it swaps to one,
 * mounts the other, and counts there how often it was booted. Needs all of these, and the tiny guest that
 * the set-up builds; no root.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { until } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
/** Of 25 ms each: more than a minute. */
const triesMax = 2_900;
const wait = true;
const [mib, gib] = [1024 ** 2, 1024 ** 3];

const using = `#!/bin/sh
for block in /sys/block/vd*; do
  device=/dev/\${block##*/}
  case $(cat $block/serial) in
    swap0) swapon $device && echo "NOVACT-GUEST SWAP $(awk 'NR > 1 { print $3 }' /proc/swaps)" ;;
    ephemeral0)
      mkdir -p /scratch
      mount -t ext4 $device /scratch
      boots=$(cat /scratch/boots 2>/dev/null)
      boots=$((\${boots:-0} + 1))
      echo $boots >/scratch/boots
      sync
      echo "NOVACT-GUEST EPHEMERAL $boots on $(awk '$2 == "/scratch" { print $3 }' /proc/mounts)" ;;
  esac
done
`;

describe("ephemeral and swap disks of a flavor", function () {
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
    const size = { vcpus: 1, memoryMib: 128, diskGib: 0 };
    await admin.flavor.create({ name: "roomy", ...size, ephemeralGib: 2, swapMib: 64 });
    await admin.image.register({ name: "disk", disk: { path: guest.disk, format: "qcow2" } });
  });
  after(async () => {
    await demo?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
  });

  const says = async ({ id }: Instance, word: string) => {
    const text = async () => (await demo.instance.console(id, { tailLines: 500 })).text;
    await until(text, (said) => said.includes(word), triesMax);
  };

  it("and volumes are written as far as they reach, however small everything else of the guest is", async () => {
    const far = `#!/bin/sh
      for try in $(seq 200); do
        for block in /sys/block/vd*; do
          if [ $(cat $block/size) = 41943040 ]; then
            dd if=/dev/zero of=/dev/\${block##*/} bs=1M seek=19000 count=1 conv=fsync && echo "NOVACT-GUEST FAR"
            exit
          fi
        done
        sleep 0.2
      done`;
    await cluster.admin.flavor.create({ name: "narrow", vcpus: 1, memoryMib: 128, diskGib: 0 });
    const userData = Buffer.from(far).toString("base64");
    const { volume } = await demo.volume.create({ name: "far", sizeGib: 20 });
    const asked = { name: "far", flavor: "narrow", image: "disk", userData, wait };
    const { instance } = await demo.instance.create(asked);
    await demo.instance.volumeAttach(instance.id, { volume: volume.id, wait });
    await says(instance, "NOVACT-GUEST FAR");
    expect((await demo.instance.get(instance.id, {})).instance.state).to.equal("running");
    await demo.instance.delete(instance.id, { wait });
  });

  it("are used by the guest, last while the instance does, take what is written, and go with it", async () => {
    const userData = Buffer.from(using).toString("base64");
    const asked = { name: "vm", flavor: "roomy", image: "disk", userData, wait };
    const claimedGib = async () => (await cluster.admin.host.list({})).hosts[0]?.claimed.diskGib ?? 0;
    const before = await claimedGib();
    const { instance } = await demo.instance.create(asked);
    expect(instance.flavor).to.include({ ephemeralGib: 2, swapMib: 64 });
    await says(instance, "NOVACT-GUEST EPHEMERAL 1 on ext4");
    await says(instance, "NOVACT-GUEST SWAP 65532");
    const paths = cluster.state(node);
    // The hosts of a cell may share their guests' disks, also where there is one.
    const found = () =>
      readdirSync(join(paths, "..", ".."), { recursive: true, encoding: "utf8" }).filter((path) =>
        /(ephemeral|swap)\.raw$/.test(path),
      );
    const [ephemeral, swap] = found()
      .sort()
      .map((path) => statSync(join(paths, "..", "..", path)));
    expect([ephemeral?.size, swap?.size]).to.deep.equal([2 * gib, 64 * mib]);
    expect((ephemeral?.blocks ?? 0) * 512, "of a new file system").to.be.below(96 * mib);
    const takenGib = (await claimedGib()) - before;
    expect(takenGib, "with a GiB for the swap").to.equal(instance.flavor.diskGib + 2 + 1);

    await demo.instance.stop(instance.id, { wait });
    await demo.instance.start(instance.id, { wait });
    await says(instance, "NOVACT-GUEST EPHEMERAL 2 on ext4");
    await demo.instance.delete(instance.id, { wait });
    expect(found()).to.deep.equal([]);
  });
});
