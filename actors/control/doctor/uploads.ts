/**
 * Compares images that wait for their bytes with what the asked controller has of uploads, and images whose
 * files it should have with its files. Other controllers answer for their own. What is young may be under
 * way, and is left alone. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { filesOf } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { bytes } from "../../../protocol/wire/wording.ts";
import type { UploadStatus } from "../../ports/image-uploads.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import type { DoctorInput } from "./input.ts";

type Input = Pick<DoctorInput, "images" | "imageFiles" | "uploads" | "nowMs">;

export function uploadFindings({ images, imageFiles, uploads, nowMs }: Input): Finding[] {
  if (uploads === undefined) return [];
  const { server, statuses } = uploads;
  const isOld = (atMs: number) => nowMs - atMs > storageLimits.uploadKeptMs;
  const rows = new Map(images.map((one) => [one.id, one]));
  const sent = new Map(statuses.map((one) => [one.imageId, one]));
  const kept = "error" in imageFiles ? undefined : new Set(imageFiles.files.map(({ sha256 }) => sha256));
  const unwanted = statuses.filter(
    (one) => isOld(one.writtenAtMs) && !isWanted(rows.get(one.imageId), server),
  );
  return [
    ...unwanted.map(leftOver),
    ...images
      .filter(({ createdAtMs }) => isOld(createdAtMs))
      .flatMap((row) => {
        const status = sent.get(row.id);
        if (row.state === "queued" && row.holder === null) return [forgotten(row)];
        if (row.holder !== server) return [];
        if (isSettled(row))
          return kept !== undefined && filesOf(row).some((one) => !kept.has(one)) ? [lost(row)] : [];
        if (status === undefined) return [missing(row)];
        return row.state === "importing" && isOld(status.writtenAtMs) ? [stuck(row)] : [];
      }),
  ];
}

const isSettled = ({ state }: ImageRecord): boolean => state === "active" || state === "deactivated";
const isWanted = (row: ImageRecord | undefined, server: string): boolean =>
  row !== undefined && row.holder === server && !isSettled(row);

const ofImage = ({ id, name }: ImageRecord): string => `image ${name} (${id})`;

const leftOver = ({ uploadId, nextOffset }: UploadStatus): Finding => ({
  kind: "leak",
  subject: `upload ${uploadId}`,
  message: `${bytes(nextOffset)} were sent, and no image waits for them.`,
  next: "A controller removes it within minutes. If it stays, see the log.",
});

const forgotten = (row: ImageRecord): Finding => ({
  kind: "advice",
  subject: ofImage(row),
  message: "It has waited for its bytes for more than an hour, and nobody sends any.",
  next: `Send them: novact image create --file; or remove it: novact image delete ${row.id}.`,
});

const missing = (row: ImageRecord): Finding => ({
  kind: "drift",
  subject: ofImage(row),
  message: `It is ${row.state}, and what was sent of it is not there.`,
  next: "A controller queues it again within minutes; then send it anew. If it stays, see the log.",
});

const stuck = (row: ImageRecord): Finding => ({
  kind: "stuck",
  subject: ofImage(row),
  message: "It has been verified for more than an hour.",
  next: "See the controller's log. When that controller starts again, the image is queued with the reason.",
});

const lost = (row: ImageRecord): Finding => ({
  kind: "drift",
  subject: ofImage(row),
  message: "It is active, and its file is not in the image store.",
  next: "Put the file back, or deactivate the image: novact image deactivate. Hosts may have copies.",
});
