/**
 * How volumes must be when nothing moves any more: rows, files and the processes of guests say the same, and
 * nothing of any is left that has no row. Sums of room are judged by I3. Pure.
 */
import type { Quiet } from "../../actors/promises/facts.ts";
import type { VolumesAtRest } from "../../actors/promises/volume-facts.ts";

type Living = readonly Pick<Quiet["guests"][number], "hostId" | "instanceId">[];

/** What is wrong, each a sentence. `guests`: the living ones. */
export function volumeFaults(volumes: VolumesAtRest, guests: Living): readonly string[] {
  return [
    ...rowFaults(volumes),
    ...guestFaults(volumes, guests),
    ...fileFaults(volumes, guests),
    ...volumes.deleted.map((id) => `The deleted volume ${id} is still to be removed.`),
  ];
}

/** Both rows say the same, and nothing is under way. */
function rowFaults({ rows, attached }: VolumesAtRest): readonly string[] {
  const unsaid = attached.flatMap(({ volumeId, instanceId, epoch, change }) => {
    const row = rows.find(({ id }) => id === volumeId);
    const under = change === null ? [] : [`Volume ${volumeId} is ${change} for ever at ${instanceId}.`];
    if (row?.instanceId === instanceId && row.epoch === epoch) return under;
    return [
      ...under,
      `Instance ${instanceId} has volume ${volumeId}.e${epoch}, and its row does not say so.`,
    ];
  });
  const alone = rows.filter(
    ({ id, instanceId }) =>
      instanceId !== null && !attached.some((one) => one.volumeId === id && one.instanceId === instanceId),
  );
  return [
    ...unsaid,
    ...alone.map(({ id, instanceId }) => `Volume ${id} says ${instanceId}, which does not have it.`),
  ];
}

/** A living guest has the volumes of its instance, and no other; what is dead has no file. */
function guestFaults({ attached, inGuests }: VolumesAtRest, guests: Living): readonly string[] {
  const isWanted = (one: VolumesAtRest["inGuests"][number]) =>
    attached.some(
      ({ volumeId, epoch, instanceId }) =>
        volumeId === one.volumeId && epoch === one.epoch && instanceId === one.instanceId,
    );
  const open = inGuests.filter(({ state }) => state !== "dead");
  const twice = open.filter(({ volumeId }, at) => open.findIndex((one) => one.volumeId === volumeId) !== at);
  const missing = attached.filter(
    ({ volumeId, instanceId }) =>
      guests.some((guest) => guest.instanceId === instanceId) &&
      !open.some(
        (one) => one.volumeId === volumeId && one.instanceId === instanceId && one.state === "attached",
      ),
  );
  return [
    ...twice.map(({ volumeId }) => `Volume ${volumeId} is open twice.`),
    ...open
      .filter((one) => !isWanted(one))
      .map(
        ({ hostId, instanceId, volumeId, epoch }) =>
          `The guest ${instanceId} on ${hostId} has volume ${volumeId}.e${epoch}, and its instance has not.`,
      ),
    ...missing.map(({ volumeId, instanceId }) => `The guest ${instanceId} lacks volume ${volumeId}.`),
  ];
}

function fileFaults({ rows, files, deleted }: VolumesAtRest, guests: Living): readonly string[] {
  const lost = rows.filter(
    ({ id, place, made }) => made && !files.some((one) => one.volumeId === id && one.place === place),
  );
  return [
    ...lost.map(({ id, place }) => `Volume ${id} was made, and has no file on ${place}.`),
    ...files.flatMap((file) => {
      const { volumeId, place, epoch, sizeGib, openFor } = file;
      const row = rows.find(({ id }) => id === volumeId);
      const name = `The file ${volumeId}.e${epoch} on ${place}`;
      if (row === undefined) return deleted.includes(volumeId) ? [] : [`${name} has no row.`];
      const isOpen = guests.some(({ instanceId }) => instanceId === row.instanceId);
      const others = openFor.filter(({ instanceId }) => instanceId !== row.instanceId);
      return [
        ...(row.place === place ? [] : [`${name} belongs on ${row.place}.`]),
        ...(epoch <= row.epoch ? [] : [`${name} is newer than its row, ${row.epoch}.`]),
        ...(isOpen && epoch !== row.epoch ? [`${name} is open as one of epoch ${row.epoch}.`] : []),
        ...(isOpen && sizeGib < row.sizeGib ? [`${name} has ${sizeGib} of ${row.sizeGib} GiB.`] : []),
        ...others.map((one) => `${name} is open for ${one.instanceId} on ${one.hostId}, which lacks it.`),
      ];
    }),
  ];
}

/** The volumes in words for the end of an operation, as crash-matrix-end.ts has them. */
export const volumeWords = ({ rows }: VolumesAtRest): readonly string[] =>
  rows.map(({ sizeGib, instanceId }) =>
    [
      `volume ${instanceId === null ? "free" : "attached"}`,
      ...(sizeGib === 1 ? [] : [`${sizeGib} GiB`]),
    ].join(" "),
  );
