/** The cheapest real guest: a disk whose boot sector halts the CPU. Boots in a moment, then costs nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchCluster } from "../../nodes/bench/bench-cluster.ts";
import { statePaths } from "../../nodes/config/config.ts";

const sectorBytes = 512;

/** cli; hlt; jmp back to hlt. The signature makes it bootable. Source: IBM PC BIOS boot sector convention. */
export function haltingDisk(): Buffer {
  const disk = Buffer.alloc(2_048 * sectorBytes);
  disk.set([0xfa, 0xf4, 0xeb, 0xfd], 0);
  disk.set([0x55, 0xaa], sectorBytes - 2);
  return disk;
}

/** Registers the image and a flavor, both called `halt`. */
export async function registerHaltingImage({ admin, config }: BenchCluster): Promise<void> {
  const directory = statePaths(config).import;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "halt.raw");
  writeFileSync(path, haltingDisk());
  await admin.flavor.create({ name: "halt", vcpus: 1, memoryMib: 32, diskGib: 1 });
  await admin.image.register({ name: "halt", disk: { path, format: "raw" } });
}
