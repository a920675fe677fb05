/**
 * storage: a volume into a running guest until the guest has written to it, and out again until nobody has it
 * open, beside bare QMP; two instances that ask for one volume; then the benchmark `images`, for the bytes of
 * an image from one node to another, and creates from a cached and an uncached image. Real QEMU with TCG and
 * a cluster of its own, on one computer: the figures have no network in them, and all of its other load.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { withCluster } from "./bench-cluster.ts";
import { registerGuest } from "./boot.ts";
import { commandOf } from "./by-hand.ts";
import { tinyGuest } from "./counting-guest.ts";
import { images } from "./images.ts";
import { type Note, unnoted } from "./note.ts";
import { plugged } from "./storage-plug.ts";
import { races } from "./storage-races.ts";
import { VolumeConsole, volumeGuestData } from "./volume-guest.ts";

export interface StorageOptions {
  readonly rounds: number;
  readonly warmUps: number;
  readonly races: number;
  /** Of the image that is sent. */
  readonly mib: number;
  readonly imagePairs: number;
  readonly note: Note;
}

const usual: StorageOptions = {
  ...{ rounds: 20, warmUps: 2, races: 100, mib: 256, imagePairs: 3, note: unnoted },
};

export async function storage(options: Partial<StorageOptions> = {}): Promise<unknown> {
  const { rounds, warmUps, note, ...chosen } = { ...usual, ...options };
  const say = (text: string) => process.stderr.write(`  ${text}\n`);
  const files = await tinyGuest(join(tmpdir(), "novact-bench-guest"), say);
  const guests = await withCluster({ guests: "real", accelerator: "tcg" }, async (cluster) => {
    const { demo } = cluster;
    await registerGuest(cluster, files);
    const ids: string[] = [];
    for (const name of ["one", "other"]) {
      const wanted = { name, flavor: "bench", image: "bench", userData: volumeGuestData, wait: true };
      const hints = { differentHost: ids };
      const asked = { ...wanted, ...(ids.length > 0 && { hints }) };
      const { instance } = await demo.instance.create(asked, { timeoutMs: lifeLimits.buildTimeoutMs });
      ids.push(instance.id);
      await new VolumeConsole(commandOf(cluster, instance.id).directory).ready();
    }
    const plugs = await plugged(cluster, ids[0] ?? "", { rounds, warmUps, note });
    note("plugged", plugs);
    const raced = await races({ demo, instanceIds: ids, races: chosen.races });
    note("races", raced);
    return { plugs, races: raced };
  });
  return { ...guests, images: await images({ mib: chosen.mib, pairs: chosen.imagePairs, note }) };
}
