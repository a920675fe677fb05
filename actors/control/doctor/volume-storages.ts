/**
 * Storages of volumes, as the hosts that see them say: low ones and silent ones, each once, and those that no
 * host sees any more. Messages have no numbers that change: two looks compare them. Pure.
 */

import type { Finding } from "../../../protocol/host.ts";
import { storagesSeenBy } from "../../../protocol/host-drivers.ts";
import { isSilent, newDiskFloorMib } from "../../../protocol/space.ts";
import { isLow, type VolumeStorageState } from "../../../protocol/volume-storage.ts";
import { gibibytes, mebibytes } from "../../../protocol/wire/wording.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

type Input = Pick<DoctorInput, "answers" | "hosts" | "storageTotals">;

export function volumeStorageFindings(input: Input, known: Known): Finding[] {
  const told = toldBy(input);
  const shared = Map.groupBy(
    told.filter(({ state }) => state.storageId !== null),
    ({ state }) => state.storageId ?? "",
  );
  return [
    ...[...shared].flatMap(([id, states]) => ofShared(id, states, known)),
    ...told.flatMap(({ hostId, state }) =>
      state.storageId === null ? judged(state, hostCalled(known, hostId)) : [],
    ),
    ...unseen(input),
  ];
}

interface Told {
  readonly hostId: string;
  readonly state: VolumeStorageState;
}

/** Without what is on the file system of the host's disks, of which its own findings tell. */
function toldBy({ answers, hosts }: Input): readonly Told[] {
  const disksOn = new Map(hosts.map(({ id, storageId }) => [id, storageId]));
  return answers.flatMap((answer) => {
    if (!("audit" in answer)) return [];
    const { hostId, audit } = answer;
    const isOfDisks = ({ storageId }: VolumeStorageState) =>
      storageId === (disksOn.get(hostId) ?? null) && audit.space?.some(({ disks }) => disks === true);
    const states = (audit.volumeStorages ?? []).filter((state) => !isOfDisks(state));
    return states.map((state) => ({ hostId, state }));
  });
}

function ofShared(id: string, told: readonly Told[], known: Known): Finding[] {
  const answering = told.filter(({ state }) => !isSilent(state));
  const silent = told.filter(({ state }) => isSilent(state));
  const [one] = answering.length === 0 ? silent : [...answering].sort(byFree);
  const apart = answering.length === 0 ? [] : silent;
  return [
    ...(one === undefined ? [] : judged(one.state, `storage ${id}`)),
    ...apart.flatMap(({ hostId, state }) => judged(state, hostCalled(known, hostId))),
  ];
}

const byFree = (one: Told, other: Told): number => (one.state.freeMib ?? 0) - (other.state.freeMib ?? 0);

function judged(state: VolumeStorageState, subject: string): Finding[] {
  const { storageId, silentMs = 0, freeMib = 0, totalMib = 0 } = state;
  const which =
    storageId === null ? "The host's own storage of volumes" : `The storage of volumes ${storageId}`;
  if (isSilent(state))
    return [
      {
        ...{ kind: "stuck", subject },
        message: `${which} does not answer: nothing new is placed there.`,
        next: `It is silent for ${Math.round(silentMs / 1_000)} s: look at its server, and at the way there.`,
      },
    ];
  if (!isLow(state)) return [];
  const floor = mebibytes(newDiskFloorMib({ totalMib }));
  const free = `${mebibytes(freeMib)} of ${mebibytes(totalMib)} are free`;
  return [
    {
      ...{ kind: "stuck", subject },
      message: `${which} has too little room: no new volume is placed there, and none is extended.`,
      next: `Free space there: ${free}, and ${floor} are kept for volumes that are there.`,
    },
  ];
}

/** A storage without hosts: volumes that are left there cannot be removed, or opened. */
function unseen({ storageTotals = [], hosts }: Input): Finding[] {
  const seen = new Set(hosts.flatMap((host) => storagesSeenBy(host)));
  return storageTotals
    .filter(({ storageId }) => !seen.has(storageId))
    .map(({ storageId, diskGibClaimed }) => ({
      ...{ kind: "advice", subject: `storage ${storageId}` },
      message: `No host sees it any more, and ${gibibytes(diskGibClaimed)} are claimed there.`,
      next: "Give a host that storage: what is left of deleted volumes is removed then, and stays until then.",
    }));
}
