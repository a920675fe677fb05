/**
 * Removes a host: an empty one, or a fenced one whose remains are of instances that were deleted, or that
 * left and are stopped by the fence. The commit checks again; the host lease is kept in case the host comes
 * back. It must never release a claim whose guest may still run (I9).
 */
import type { Host } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Store } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { type LeavingStore, notStopped, ownedBy } from "../instance/leaving.ts";
import type { Placer } from "../placement/placer.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../request/commit-once.ts";

export interface RemoveOptions extends CatalogOptions {
  readonly store: CatalogOptions["store"] & LeavingStore & Pick<Store, "loadInstance">;
  readonly directory: HostDirectory;
  readonly placer: Pick<Placer, "hostsChanged">;
  readonly view: (host: HostRecord) => Host;
  /** @throws hostNotFound, hostAmbiguous */
  readonly find: (key: string) => Promise<HostRecord>;
}

interface Answer {
  readonly host: Host;
}

export async function removeHost(
  request: object,
  context: CallContext,
  options: RemoveOptions,
): Promise<Answer> {
  const cause = { request, context, options };
  return unlessAnswered("host.remove", cause, async () => {
    const host = await options.find(context.id);
    const { id, name, lease } = host;
    const fenced = lease !== null && lease.fencedBy !== null;
    await assertEmpty(host, fenced, options);
    const about = { noun: "host", id, event: "removed", body: { name, fenced } };
    const commit = {
      hostsRemoved: [{ hostId: id, parked: fenced }],
      ...(fenced ? { fencesExpected: [{ hostId: id, leaseEpoch: lease.leaseEpoch }] } : {}),
      ...catalogCommit("host.remove", about, cause),
    };
    const answer = await commitOnce(commit, { host: options.view(host) }, options).catch(
      (thrown: unknown) => {
        if (!(thrown instanceof StatusError) || thrown.reason !== "inUse") throw thrown;
        throw new StatusError("hostNotEmpty", `Something has come to the host ${name} meanwhile.`);
      },
    );
    await options.directory.refresh();
    options.placer.hostsChanged();
    return answer;
  });
}

/** @throws hostNotEmpty */
async function assertEmpty(host: HostRecord, fenced: boolean, { store }: RemoveOptions): Promise<void> {
  const owned = await ownedBy(host.id, store);
  const ours = new Set(owned.map(({ id }) => id));
  const others = (await store.listOnHost(host.id)).filter((id) => !ours.has(id));
  const loose = fenced ? await notStopped(others, host, store) : [];
  if (owned.length + loose.length === 0 && (fenced || others.length === 0)) return;
  const parked = others.length - loose.length;
  const left = [
    ...(owned.length > 0 ? [`${owned.length} ${owned.length === 1 ? "instance" : "instances"}`] : []),
    ...(loose.length > 0
      ? [`${loose.length} that left and may run there: its fence does not stop them`]
      : []),
    ...(parked > 0 ? [`remains of ${parked} that were deleted or have left`] : []),
  ];
  const unproved = owned.length === 0 && !fenced ? ", and it is not fenced" : "";
  const message = `The host ${host.name} still has ${left.join(" and ")}${unproved}.`;
  const named = [...owned, ...loose].slice(0, placementLimits.drainListedMax);
  throw new StatusError("hostNotEmpty", message, {
    details: { instances: named.map(({ id, name }) => ({ instanceId: id, name })), parked },
  });
}
