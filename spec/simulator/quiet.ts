/** Everything there is at a quiet point, from both sides: what the store says, and what is on machines. */

import { pictureOf } from "../../actors/control/networking/picture.ts";
import type { InstanceRow } from "../../actors/ports/instance-reads.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { InstanceFacts, LedgerRow, Quiet } from "../../actors/promises/facts.ts";
import { lacking, madeForRouters } from "../../actors/promises/made-for-routers.ts";
import type { ClaimRecord } from "../../actors/records/instance.ts";
import type { Event } from "../../protocol/event.ts";
import { floatingIp } from "../../protocol/floating-ip.ts";
import { image } from "../../protocol/image.ts";
import { network, subnet } from "../../protocol/network.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { address, groupMembership, plug, port } from "../../protocol/port.ts";
import { publishedPort } from "../../protocol/published-port.ts";
import { router, routerInterface } from "../../protocol/router.ts";
import { serverGroup } from "../../protocol/server-group.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { machineFilesOf } from "../support/machine-files.ts";
import type { Cluster } from "./cluster.ts";
import { volumesAtRest } from "./quiet-volumes.ts";
import { sinkName } from "./sinks.ts";

type Machine = Cluster["hosts"][number]["machine"];

const everything = 1_000_000;

export async function quietFact(cluster: Cluster, atMs: number, findings: Quiet["findings"]): Promise<Quiet> {
  const store = cluster.store.inner;
  const { rows } = await store.instances.list({ limit: everything, deleted: true });
  const operations = await store.operations.list({ limit: everything });
  const hosts = await store.hosts.list({ limit: everything });
  const { events, trimmed } = await allEvents(store);
  return {
    kind: "quiet",
    atMs,
    instances: rows.map(factsOf),
    operations: operations.rows.map(({ operation }) => operation),
    hosts: hosts.map((host) => ({
      id: host.id,
      capacity: host,
      claimed: {
        vcpus: host.vcpusClaimed,
        memoryMib: host.memoryMibClaimed,
        diskGib: host.diskGibClaimed,
      },
      nodes: host,
    })),
    storages: await store.hosts.storageTotals(),
    claims: await claimsOf(store, rows),
    ...(await placementOf(store)),
    guests: cluster.hosts.flatMap(({ machine }) =>
      machine.world.list().map(({ instanceId, pid, status }) => ({
        hostId: machine.name,
        instanceId,
        pid,
        running: status === "running",
      })),
    ),
    remains: cluster.hosts
      .flatMap(({ machine: { name, world } }) => [
        ...[...world.disks.keys()].map((instanceId) => ({ hostId: name, instanceId, what: "directory" })),
        ...machineFilesOf(world).map((instanceId) => ({
          hostId: name,
          instanceId,
          what: "machine file",
        })),
        ...[...world.ports.plugged.values()].map(({ instanceId, portId }) => ({
          hostId: name,
          instanceId,
          what: `port ${portId}`,
        })),
      ])
      .concat(leftOnStorage(cluster, rows)),
    ledger: await ledgerOf(store),
    networks: await Promise.all(cluster.hosts.map(({ machine }) => networkOf(machine, store))),
    disksLost: lostOnStorage(cluster, rows),
    volumes: await volumesAtRest(cluster, rows),
    copies: cluster.hosts.flatMap(({ machine: { name, copies } }) =>
      copies.atRest().map((one) => ({ hostId: name, ...one })),
    ),
    events,
    eventsTrimmed: trimmed,
    stream: cluster.stream.events.map(({ sequence }) => sequence),
    ...(cluster.imageStores.all.length === 0 ? {} : { uploads: await uploadsAtRest(cluster) }),
    sinks: cluster.sink === undefined ? [] : [sinkName],
    findings,
  };
}

async function uploadsAtRest({ store, imageStores }: Cluster): Promise<NonNullable<Quiet["uploads"]>> {
  const rows = await store.inner.rows.list(image, { limit: everything });
  const images = rows.map(({ id, state, holder }) => ({ id, state, holder }));
  return { images, parts: await imageStores.parts() };
}

async function networkOf({ name, world }: Machine, { networking }: Store) {
  const { plugged, applied } = world.ports;
  const textOf = ({ networks, groups, far = [], routers = [] }: Omit<HostNetworking, "version">) =>
    JSON.stringify([networks, groups, far, routers]);
  const wanted = textOf(pictureOf(await networking.ofHost(name)));
  const { all } = world.routed;
  const due = madeForRouters(applied ?? null);
  // What a picture needs no more is released a moment after it was taken.
  const isAtWork = lacking(all, due).length > 0 || lacking(due, all).length > 0;
  const isBehind = isAtWork || textOf(applied ?? { networks: [], groups: [] }) !== wanted;
  const taps = [...plugged.keys()].map((row) => ({ what: "tap", row }));
  const has = [...taps, ...madeFor(applied), ...all];
  return { hostId: name, ports: plugged.size, applied: applied ?? null, isBehind, has };
}

/** What a real host makes for the picture that it has applied. */
const madeFor = (applied: HostNetworking | undefined) =>
  (applied?.networks ?? []).flatMap(({ id, ports }) => [
    { what: "bridge", row: id },
    ...ports
      .flatMap(({ published = [] }) => published)
      .map((one) => ({ what: "published port", row: one.id })),
  ]);

/** Every row of networks, with the one that it goes with. */
async function ledgerOf({ rows }: Store): Promise<readonly LedgerRow[]> {
  const all = <R extends Resource>(resource: R) => rows.list(resource, { limit: everything });
  const of = <T extends { readonly id: string }>(
    what: LedgerRow["what"],
    some: readonly T[],
    parent: (row: T) => string | null,
  ) => some.map((row) => ({ what, id: row.id, of: parent(row) }));
  return [
    ...of("network", await all(network), () => null),
    ...of("subnet", await all(subnet), ({ networkId }) => networkId),
    ...of("port", await all(port), ({ networkId }) => networkId),
    ...of("address", await all(address), ({ portId }) => portId),
    ...of("group membership", await all(groupMembership), ({ portId }) => portId),
    ...of("plug", await all(plug), ({ deviceId }) => deviceId),
    ...of("published port", await all(publishedPort), ({ portId }) => portId),
    ...of("router", await all(router), () => null),
    ...of("router interface", await all(routerInterface), ({ routerId }) => routerId),
    ...of("floating address", await all(floatingIp), () => null),
  ];
}

/** What stands for a host where something lies on what hosts share. */
export const sharedStorage = "shared storage";

/** On what hosts share: disks of deleted instances, and those below another one of the same instance. */
function leftOnStorage({ storage }: Cluster, rows: readonly InstanceRow[]): Quiet["remains"] {
  return rows.flatMap(({ instance: { id, deletedAtMs } }) => {
    const epochs = storage?.epochs(id) ?? [];
    const left = deletedAtMs === null ? epochs.slice(0, -1) : epochs;
    return left.map((ownerEpoch) => ({
      hostId: sharedStorage,
      instanceId: id,
      what: `disk of epoch ${ownerEpoch}`,
    }));
  });
}

function lostOnStorage({ storage }: Cluster, rows: readonly InstanceRow[]): readonly string[] {
  return rows
    .map(({ instance }) => instance)
    .filter(({ built, storageId, deletedAtMs }) => built && storageId !== null && deletedAtMs === null)
    .filter(({ image }) => image.disk !== null)
    .filter(({ id }) => storage?.epochs(id).length === 0)
    .map(({ id }) => id);
}

function factsOf({ instance, machine }: InstanceRow): InstanceFacts {
  const { id, project, state, desired, generation, hostId, ownerEpoch, operationId, failure, deletedAtMs } =
    instance;
  const { vcpus, memoryMib } = instance.flavor;
  const seen =
    machine === undefined ? null : { state: machine.state, intentGeneration: machine.intentGeneration };
  const size = { instances: 1, vcpus, memoryMib };
  const facts = { id, project, state, desired, generation, hostId, ownerEpoch, operationId, size };
  const written = { metadata: instance.metadata, lockedBy: instance.lock?.by ?? null };
  return { ...facts, written, failed: failure !== null, deleted: deletedAtMs !== null, machine: seen };
}

async function claimsOf(store: Store, rows: readonly InstanceRow[]): Promise<readonly ClaimRecord[]> {
  const loaded = await Promise.all(rows.map(({ instance }) => store.instances.load(instance.id)));
  return loaded.flatMap((one) => one?.claims ?? []);
}

/** Of groups and quotas, as the store has them. */
async function placementOf(store: Store): Promise<Required<Pick<Quiet, "groups" | "quotas">>> {
  const groups = await store.rows.list(serverGroup, { limit: everything });
  const members = await Promise.all(groups.map(({ id }) => store.serverGroups.members(id, everything)));
  return {
    groups: groups.map(({ id, policy, maxPerHost }, index) => {
      const hostIds = (members[index] ?? []).flatMap(({ hostId }) => hostId ?? []);
      return { id, policy, maxPerHost, hostIds };
    }),
    quotas: await store.quotas.totals(),
  };
}

async function allEvents(
  store: Store,
): Promise<{ readonly events: readonly Event[]; readonly trimmed: number }> {
  const page = await store.events.list({ after: 0, limit: everything });
  return { events: page.events, trimmed: page.trimmed };
}
