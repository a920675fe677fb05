/**
 * Removes the instances of a run, found by their metadata, and its server groups, found by their names; then
 * its routers and networks, the images that it made or sent, and its flavor.
 */
import type { Novact } from "../sdk/sdk.ts";
import { imagePrefix } from "./load.ts";
import type { Offer } from "./offer.ts";
import { removeRouting } from "./routing-clean-up.ts";

export interface CleanUp {
  readonly admin: Novact;
  /** Key of the metadata. */
  readonly key: string;
  readonly run: string;
  readonly offer: Offer;
  readonly say: (text: string) => void;
}

const patient = { timeoutMs: 120_000 };
const atOnce = 20;
const rowsAtOnce = 100;

export async function removeAll({ admin, key, run, offer, say }: CleanUp): Promise<void> {
  const failed: string[] = [];
  for (;;) {
    const page = await admin.instance.list({ limit: atOnce, metadata: { [key]: run } }, patient);
    const left = page.instances.filter(({ id }) => !failed.includes(id));
    if (left.length === 0) break;
    const ended = await Promise.allSettled(
      left.map(({ id }) => admin.instance.delete(id, { wait: true }, patient)),
    );
    for (const [index, each] of ended.entries()) {
      const id = left[index]?.id ?? "";
      if (each.status === "fulfilled") continue;
      failed.push(id);
      say(`instance ${id} could not be removed: ${(each.reason as Error).message}`);
    }
  }
  if (failed.length > 0) return;
  await removeVolumes(admin, run, say);
  await removeGroups(admin, run);
  await removeImages(admin, imagePrefix(run));
  if (offer.outside !== undefined) await removeRouting({ admin, run, outside: offer.outside });
  await offer.remove();
}

/** Found by their names; those of a project, whose instances are gone by now. */
async function removeVolumes(admin: Novact, run: string, say: CleanUp["say"]): Promise<void> {
  let marker: string | undefined;
  do {
    const page = { limit: rowsAtOnce, ...(marker === undefined ? {} : { marker }) };
    const { volumes, nextMarker } = await admin.volume.list(page, patient);
    for (const { id, name } of volumes.filter((one) => one.name.startsWith(`chaos-${run}-`)))
      await admin.volume
        .delete(id, {}, patient)
        .catch((error: Error) => say(`volume ${name} could not be removed: ${error.message}`));
    marker = nextMarker;
  } while (marker !== undefined);
}

async function removeGroups(admin: Novact, run: string): Promise<void> {
  let marker: string | undefined;
  do {
    const page = { limit: rowsAtOnce, ...(marker === undefined ? {} : { marker }) };
    const { serverGroups, nextMarker } = await admin.serverGroup.list(page, patient);
    for (const { id, name } of serverGroups)
      if (name.startsWith(`chaos-${run}-`)) await admin.serverGroup.delete(id, {}, patient);
    marker = nextMarker;
  } while (marker !== undefined);
}

/** Images of clients that could not delete them. */
async function removeImages(admin: Novact, prefix: string): Promise<void> {
  let marker: string | undefined;
  do {
    const page = { limit: rowsAtOnce, ...(marker === undefined ? {} : { marker }) };
    const { images, nextMarker } = await admin.image.list(page, patient);
    for (const { id, name } of images) if (name.startsWith(prefix)) await admin.image.delete(id, {}, patient);
    marker = nextMarker;
  } while (marker !== undefined);
}
