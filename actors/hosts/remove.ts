/**
 * Forgetting a host: one that nothing is on, or one that is fenced, with what was parked there, which are
 * remains of deleted instances. The commit looks again; its lease is kept, should it come back.
 */
import type { Host } from "../../protocol/host.ts";
import { limits } from "../../protocol/limits.ts";
import type { CallContext } from "../../protocol/service.ts";
import { StatusError } from "../../protocol/status.ts";
import { answeredBefore, type CatalogOptions, catalogTurn, commitOnce } from "../catalog/turn.ts";
import { type LeavingStore, ownedBy } from "../instances/leaving.ts";
import type { Placer } from "../instances/placer.ts";
import type { HostRecord } from "../runtime/records.ts";
import type { HostDirectory } from "./directory.ts";

export interface RemoveOptions extends CatalogOptions {
  readonly store: CatalogOptions["store"] & LeavingStore;
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
  const known = await answeredBefore<Answer>("host.remove", cause);
  if (known !== undefined) return known;
  const host = await options.find(context.id);
  const { id, name, lease } = host;
  const fenced = lease !== null && lease.fencedBy !== null;
  await assertEmpty(host, fenced, options);
  const about = { noun: "host", id, event: "removed", body: { name, fenced } };
  const turn = {
    hostsRemoved: [{ hostId: id, parked: fenced }],
    ...(fenced ? { fencesExpected: [{ hostId: id, epoch: lease.epoch }] } : {}),
    ...catalogTurn("host.remove", about, cause),
  };
  const answer = await commitOnce(turn, { host: options.view(host) }, options).catch((thrown: unknown) => {
    if (!(thrown instanceof StatusError) || thrown.reason !== "inUse") throw thrown;
    throw new StatusError("hostNotEmpty", `Something has come to the host ${name} meanwhile.`);
  });
  await options.directory.refresh();
  options.placer.hostsChanged();
  return answer;
}

/** @throws hostNotEmpty */
async function assertEmpty(
  { id, name }: HostRecord,
  fenced: boolean,
  { store }: RemoveOptions,
): Promise<void> {
  const owned = await ownedBy(id, store);
  const claiming = await store.listOnHost(id);
  const parked = claiming.length - owned.length;
  if (owned.length === 0 && (fenced || claiming.length === 0)) return;
  const remains = parked > 0 ? `remains of ${parked} that were deleted or have left` : "";
  const left = [
    ...(owned.length > 0 ? [`${owned.length} ${owned.length === 1 ? "instance" : "instances"}`] : []),
    ...(remains === "" ? [] : [remains]),
  ];
  const unproved = owned.length === 0 ? ", and it is not fenced" : "";
  throw new StatusError("hostNotEmpty", `The host ${name} still has ${left.join(" and ")}${unproved}.`, {
    details: {
      instances: owned.slice(0, limits.drainListedMax).map((one) => ({ instanceId: one.id, name: one.name })),
      parked,
    },
  });
}
