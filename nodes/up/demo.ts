/**
 * The demo of a new cluster: a network, a guest on it, and a second guest that pings the first. A client like
 * any other. The network comes with the first guest, and never by itself: whoever removed it does not get it
 * back at the next start.
 */
import { canPlug } from "../../protocol/host-drivers.ts";
import type { Instance } from "../../protocol/instance.ts";
import type { Novact } from "../sdk/sdk.ts";
import type { WayOutside } from "./own-networks.ts";

export const demoNames = { network: "lan", outside: "public", first: "hello", second: "friend" } as const;
const subnetCidr = "10.0.0.0/24";
const size = { flavor: "tiny", image: "tiny" } as const;

type Admin = { readonly host: Pick<Novact["host"], "list"> };
type Tenant = {
  readonly network: Pick<Novact["network"], "list" | "create">;
  readonly subnet: Pick<Novact["subnet"], "create">;
  readonly instance: Pick<Novact["instance"], "create" | "list">;
};

/** Makes the first guest, on the demo's network where hosts have networks. */
export async function makeFirst(admin: Admin, tenant: Tenant): Promise<Instance> {
  const network = await demoNetwork(admin, tenant);
  const on = network === undefined ? {} : { networks: [{ network }] };
  return (await tenant.instance.create({ name: demoNames.first, ...size, ...on })).instance;
}

/** Makes the guest that pings the first one. Undefined: the first one has no address. @throws StatusError */
export async function makeSecond(
  { interfaces }: Pick<Instance, "interfaces">,
  tenant: Tenant,
): Promise<Instance | undefined> {
  const [on] = interfaces ?? [];
  const address = on?.addresses[0]?.address;
  if (on === undefined || address === undefined) return undefined;
  const script = `#!/bin/sh\nping -c 3 ${address}\n`;
  const asked = {
    ...{ name: demoNames.second, ...size, networks: [{ network: on.networkId }] },
    userData: Buffer.from(script).toString("base64"),
  };
  return (await tenant.instance.create(asked)).instance;
}

/** Its id. Undefined: no host has a network, or the project has networks of its own making. */
async function demoNetwork(admin: Admin, tenant: Tenant): Promise<string | undefined> {
  const { hosts } = await admin.host.list({});
  if (!hosts.some(({ alive, enabled, drivers }) => alive && enabled && canPlug(drivers))) return undefined;
  const { networks } = await tenant.network.list({});
  const there = networks.find(({ name }) => name === demoNames.network);
  // Those that lead outside are the operators'.
  if (there === undefined && networks.some(({ external }) => !external)) return undefined;
  const { id, subnetIds } = there ?? (await tenant.network.create({ name: demoNames.network })).network;
  // A start that was cut off may have left the network without its range.
  if (subnetIds.length === 0)
    await tenant.subnet.create({ name: `${demoNames.network}-v4`, network: id, cidr: subnetCidr });
  return id;
}

/**
 * Makes the network that leads outside, with floating addresses where there are any, or what is missing of
 * it: an earlier start had none, or was cut off. @throws StatusError
 */
export async function makeOutside(
  { network, subnet }: Pick<Novact, "network" | "subnet">,
  { physicalNetwork, range }: WayOutside,
): Promise<void> {
  const { outside: name } = demoNames;
  const { networks } = await network.list({ name });
  const there = networks.find((one) => one.external && one.physicalNetwork === physicalNetwork);
  const made = async () => (await network.create({ name, external: true, physicalNetwork })).network;
  const { id, subnetIds } = there ?? (await made());
  if (range === undefined || subnetIds.length > 0) return;
  const { cidr, gateway, pool } = range;
  await subnet.create({ name: `${name}-v4`, network: id, cidr, gateway, pools: [pool], dhcp: false });
}

/** What there is of the demo, as of now. */
export interface DemoShown {
  readonly hasNetwork: boolean;
  readonly hasBoth: boolean;
}

export async function demoShown(tenant: Tenant): Promise<DemoShown> {
  const { networks } = await tenant.network.list({ name: demoNames.network });
  const { instances } = await tenant.instance.list({});
  const isThere = (wanted: string) => instances.some(({ name }) => name === wanted);
  const hasNetwork = networks.some(({ subnetIds }) => subnetIds.length > 0);
  return { hasNetwork, hasBoth: hasNetwork && isThere(demoNames.first) && isThere(demoNames.second) };
}
