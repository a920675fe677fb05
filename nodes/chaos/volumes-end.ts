/**
 * What there is of volumes when a run is over: rows, attachments, files of storages and open files of guests.
 * A deleted volume's file goes a while after its row: as long as something differs it is looked at again. It
 * changes nothing.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { VolumesEnd } from "../../actors/promises/host-look.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { hostIdOf } from "../config/host-id.ts";
import { volumeIn } from "../drivers/volumes/names.ts";
import type { Novact } from "../sdk/sdk.ts";
import { guestsOf } from "./parties.ts";
import { dataFile, lookAtVolumes } from "./volume-looks.ts";
import { endFaults } from "./volumes-judged.ts";
import { readWriterLog } from "./writer-log.ts";

/** Some rounds of the sweeper. */
const withinMs = 120_000;
const lookEveryMs = 2_000;
const patient = { timeoutMs: 60_000 };
const atOnce = 1_000;

export async function volumesAtEnd(config: ClusterConfig, admin: Novact): Promise<VolumesEnd> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const end = await lookAtEnd(config, admin);
    if (endFaults(end).length === 0 || performance.now() > deadlineMs)
      return { ...end, files: await Promise.all(end.files.map(withLog)) };
    await sleep(lookEveryMs);
  }
}

async function lookAtEnd(config: ClusterConfig, admin: Novact): Promise<VolumesEnd> {
  const { hosts } = await admin.host.list({ limit: atOnce }, patient);
  const places = placesOf(config, hosts);
  const instances = await instancesOf(admin);
  const rows = await rowsOf(admin);
  const files = await Promise.all([...new Set(places.values())].map(filesIn));
  const guests = await guestsOf(config);
  const { open } = await lookAtVolumes(guests);
  return {
    ...{ kind: "volumesEnd", atMs: Date.now(), instances, files: files.flat(), open },
    rows: rows.map(({ id, status = "", instanceId, made, storageId, hostId }) => {
      const place = places.get(storageId ?? hostId ?? "");
      return { id, status, instanceId, made, ...(place === undefined ? {} : { place }) };
    }),
    living: guests.map(({ instanceId }) => instanceId),
  };
}

/** The directories of volumes by the host, or the shared storage, whose they are. */
function placesOf(
  config: ClusterConfig,
  hosts: readonly { readonly id: string; readonly storageId: string | null }[],
): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const { name, pretends, sharedDirectory } of config.nodes) {
    if (pretends) continue;
    const hostId = hostIdOf(config, name);
    places.set(hostId, join(statePaths(config).node(name), "volumes"));
    const storageId = hosts.find(({ id }) => id === hostId)?.storageId ?? null;
    if (sharedDirectory !== undefined && storageId !== null) places.set(storageId, sharedDirectory);
  }
  return places;
}

/** The log is read at last alone: guests write on. */
async function withLog(file: VolumesEnd["files"][number]): Promise<VolumesEnd["files"][number]> {
  const { place, volumeId, directory } = file;
  const log = await readWriterLog(join(place, "volumes", volumeId, directory, dataFile));
  return { ...file, ...(log === undefined ? {} : { log }) };
}

async function filesIn(place: string): Promise<VolumesEnd["files"]> {
  const volumes = join(place, "volumes");
  const found: VolumesEnd["files"][number][] = [];
  for (const volumeId of await readdir(volumes).catch(() => []))
    for (const directory of await readdir(join(volumes, volumeId)).catch(() => []))
      if (volumeIn(volumeId, directory)?.kind === "whole") found.push({ place, volumeId, directory });
  return found;
}

async function rowsOf(admin: Novact) {
  const rows = [];
  let marker: string | undefined;
  do {
    const page = await admin.volume.list({ limit: atOnce, ...(marker && { marker }) }, patient);
    rows.push(...page.volumes);
    marker = page.nextMarker;
  } while (marker !== undefined);
  return rows;
}

async function instancesOf(admin: Novact): Promise<VolumesEnd["instances"]> {
  const all: VolumesEnd["instances"][number][] = [];
  let marker: string | undefined;
  do {
    const page = await admin.instance.list({ limit: atOnce, ...(marker && { marker }) }, patient);
    for (const { id, volumes = [] } of page.instances)
      all.push({
        id,
        volumes: volumes.map(({ volumeId, change }) => ({ volumeId, ...(change && { change }) })),
      });
    marker = page.nextMarker;
  } while (marker !== undefined);
  return all;
}
