/** Image caches of hosts: beyond their bounds, or without an image that a guest's disk is based on. Pure. */
import type { Finding } from "../../../protocol/host.ts";
import { type Audit, hostCalled, type Known } from "./input.ts";

export function imageCacheFindings(audits: readonly Audit[], known: Known): Finding[] {
  return audits.flatMap((audit) => {
    const { hostId, imageCache } = audit;
    if (imageCache === undefined) return [];
    const where = hostCalled(known, hostId);
    const based = imageCache.baseless.filter(({ instanceId }) => !known.unsettled.has(instanceId));
    return [
      ...boundFindings(imageCache, where),
      ...based.map(({ instanceId, sha256 }) => ({
        kind: "drift" as const,
        subject: `instance ${instanceId}`,
        message: `The image ${sha256.slice(0, 12)} below its disk is not on ${where}: it could not start again.`,
        next: "Stop and start it: its host gets the image again, from whichever controller has the file.",
      })),
    ];
  });
}

const mib = (bytes: number): number => Math.ceil(bytes / 1024 ** 2);

/** The numbers change between two looks, and the doctor compares messages. */
function boundFindings(
  { takenBytes, cacheBytesMax, freeBytes, freeBytesMin }: NonNullable<Audit["imageCache"]>,
  subject: string,
): Finding[] {
  const isOver = cacheBytesMax !== null && takenBytes > cacheBytesMax;
  if (!isOver && freeBytes >= freeBytesMin) return [];
  const why = isOver ? "takes more than it may" : "has too little left free beside it";
  const bound = isOver
    ? `${mib(takenBytes)} of ${mib(cacheBytesMax)} MiB are taken (imageCacheMib)`
    : `${mib(freeBytes)} MiB are free, ${mib(freeBytesMin)} have to be (imageCacheFreeMib)`;
  return [
    {
      kind: "stuck",
      subject,
      message: `Its cache of images ${why}: no other image fits in, and guests need those that are there.`,
      next: `Free space there, move guests away, or change the bound in cluster.yaml: ${bound}.`,
    },
  ];
}
