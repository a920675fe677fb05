/** The flavor and the image of the benchmarks: guests that only pretend never read the image. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { statePaths } from "../config/config.ts";
import type { BenchCluster } from "./bench-cluster.ts";

export async function prepareCatalog({ admin, config }: BenchCluster): Promise<void> {
  const directory = statePaths(config).import;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "kernel");
  writeFileSync(path, "not a kernel");
  await admin.flavor.create({ name: "bench", vcpus: 1, memoryMib: 64, diskGib: 0 });
  await admin.image.register({ name: "bench", kernel: { path } });
}
