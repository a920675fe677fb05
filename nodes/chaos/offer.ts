/**
 * The images and the flavor of the load: the cheapest real guest (writing-disk.ts), a flavor for it, and an
 * image for each hypervisor; and a network that all projects share, where a node can plug guests into it.
 * Removed at the end.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { type Novact, StatusError } from "../sdk/sdk.ts";
import { type HypervisorChoice, hypervisorChoices } from "./hypervisor-choices.ts";
import { writingDisk } from "./writing-disk.ts";

export interface Offer {
  readonly flavor: string;
  imageFor(hypervisor: HypervisorChoice): string;
  /** A network with fewer addresses than the load makes instances; absent: no node has a network. */
  readonly network?: string;
  /** An external network with fewer addresses than the load wants; absent: no node has a network. */
  readonly outside?: string;
  /** Removes the images and the flavor; leaves, without an error, those that are still in use. */
  remove(): Promise<void>;
}

const patient = { timeoutMs: 60_000 };

export async function makeOffer(config: ClusterConfig, admin: Novact, run: string): Promise<Offer> {
  const flavor = `chaos-${run}`;
  const imageFor = (hypervisor: HypervisorChoice) => `chaos-${run}-${hypervisor}`;
  const directory = statePaths(config).import;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `chaos-${run}.raw`);
  writeFileSync(path, writingDisk());
  try {
    await admin.flavor.create({ name: flavor, vcpus: 1, memoryMib: 32, diskGib: 0 }, patient);
    for (const hypervisor of hypervisorChoices) {
      const properties = hypervisor === "any" ? {} : { properties: { hypervisor } };
      const disk = { path, format: "raw" } as const;
      await admin.image.register({ name: imageFor(hypervisor), disk, ...properties }, patient);
    }
  } finally {
    rmSync(path, { force: true });
  }
  const network = await makeNetwork(config, admin, flavor);
  const outside = network === undefined ? undefined : await makeOutside(admin, `${flavor}-outside`);
  const remove = async (): Promise<void> => {
    for (const hypervisor of hypervisorChoices) {
      await unlessUsed(admin.image.delete(imageFor(hypervisor), {}, patient));
    }
    await unlessUsed(admin.flavor.delete(flavor, {}, patient));
    for (const id of [network, outside])
      if (id !== undefined) await unlessUsed(admin.network.delete(id, {}, patient));
  };
  const networks = { ...(network && { network }), ...(outside && { outside }) };
  return { flavor, imageFor, remove, ...networks };
}

/** Of a /28, thirteen addresses are for ports. */
const range = "10.77.0.0/28";

async function makeNetwork(
  { nodes }: ClusterConfig,
  admin: Novact,
  name: string,
): Promise<string | undefined> {
  if (nodes.every(({ drivers }) => drivers.network === undefined)) return undefined;
  const { network } = await admin.network.create({ name, shared: true }, patient);
  await admin.subnet.create({ name, network: network.id, cidr: range }, patient);
  return network.id;
}

/** Nobody's addresses (RFC 5737): on a real operator's network they reach nobody. */
const rangeOutside = "198.51.100.0/28";
/** As in the examples of cluster.yaml, where no host leads outside. */
const physicalNetworkDefault = "public";

async function makeOutside(admin: Novact, name: string): Promise<string> {
  const { hosts } = await admin.host.list({ limit: 1_000 }, patient);
  const ways = hosts.flatMap(({ drivers }) => drivers?.networking?.outside ?? []);
  const physicalNetwork = ways[0]?.physicalNetwork ?? physicalNetworkDefault;
  const { network } = await admin.network.create({ name, external: true, physicalNetwork }, patient);
  await admin.subnet.create({ name, network: network.id, cidr: rangeOutside }, patient);
  return network.id;
}

async function unlessUsed(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "inUse") throw error;
  }
}
