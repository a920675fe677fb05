/**
 * Removes the floating addresses, routers and networks of a run, found by the external network and by their
 * names: also those of which an unclear answer has left their client without knowledge.
 */
import type { Novact } from "../sdk/sdk.ts";

export interface RoutingCleanUp {
  readonly admin: Novact;
  readonly run: string;
  /** Id of the external network. */
  readonly outside: string;
}

const patient = { timeoutMs: 120_000 };
const atOnce = 100;

export async function removeRouting({ admin, run, outside }: RoutingCleanUp): Promise<void> {
  const isOurs = ({ name }: { readonly name: string }) => name.startsWith(`chaos-${run}-`);
  const floating = await pages(async (page) => {
    const { floatingIps, nextMarker } = await admin.floatingIp.list(page, patient);
    return { rows: floatingIps, nextMarker };
  });
  for (const { id, networkId } of floating)
    if (networkId === outside) await admin.floatingIp.delete(id, {}, patient);
  const routers = await pages(async (page) => {
    const { routers, nextMarker } = await admin.router.list(page, patient);
    return { rows: routers, nextMarker };
  });
  for (const { id, interfaces } of routers.filter(isOurs)) {
    for (const { portId } of interfaces) await admin.router.removeInterface(id, { port: portId }, patient);
    await admin.router.delete(id, {}, patient);
  }
  const networks = await pages(async (page) => {
    const { networks, nextMarker } = await admin.network.list(page, patient);
    return { rows: networks, nextMarker };
  });
  // The external network begins with the same name, and goes with the offer.
  for (const { id } of networks.filter((one) => isOurs(one) && one.id !== outside))
    await admin.network.delete(id, {}, patient);
}

async function pages<T>(
  load: (page: {
    limit: number;
    marker?: string;
  }) => Promise<{ rows: readonly T[]; nextMarker: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const { rows, nextMarker } = await load({ limit: atOnce, ...(marker === undefined ? {} : { marker }) });
    all.push(...rows);
    marker = nextMarker;
  } while (marker !== undefined);
  return all;
}
