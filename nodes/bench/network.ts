/**
 * network: the driver `bridge` of one host by its number of ports, what its rules cost packets, and what
 * ports cost a create. All but the last needs root, for throw-away namespaces.
 */
import { creates } from "./network-creates.ts";
import { missingForBridgeBench } from "./network-host.ts";
import { path } from "./network-path.ts";
import { compares, portsOfHost, portsOfNetwork } from "./network-ports.ts";
import { type Note, unnoted } from "./note.ts";

const usual = {
  ...{ sizes: [10, 100, 1_000] as readonly number[], farPorts: 10_000, comparePorts: 500, rounds: 5 },
  ...{ ports: 498, pairs: 5, seconds: 2, roundTrips: 3_000, creates: 100, stretch: 25 },
};

export type NetworkBenchOptions = typeof usual & { readonly note: Note };

export async function network(options: Partial<NetworkBenchOptions> = {}): Promise<unknown> {
  const { note, ...sizes } = { ...usual, note: unnoted, ...options };
  return { kernel: await ofKernel(sizes, note), creates: await creates(sizes, note) };
}

async function ofKernel(sizes: typeof usual, note: Note): Promise<unknown> {
  const missing = missingForBridgeBench();
  if (missing !== undefined) {
    process.stderr.write(`  SKIPPED: ports, compares and packets of the kernel's bridges: ${missing}\n`);
    return { skipped: missing };
  }
  const ports = [];
  for (const size of sizes.sizes) ports.push(await portsOfHost(size, sizes, note));
  return {
    ...{ portsOfHost: ports, portsOfNetwork: await portsOfNetwork(sizes, note) },
    ...{ compares: await compares(sizes, note), path: await path(sizes, note) },
  };
}
