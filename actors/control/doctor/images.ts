/**
 * Compares image files with the rows of images: files that no image has are findings, because they cost space
 * and nobody sees them. The files are those of the asked controller: others may have their own. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { filesOf } from "../../../protocol/image.ts";
import type { DoctorInput } from "./input.ts";

export function imageFindings({ images, imageFiles }: Pick<DoctorInput, "images" | "imageFiles">): Finding[] {
  if ("error" in imageFiles) return [unreadable(imageFiles.error)];
  const named = new Set(images.flatMap(filesOf));
  // A registration holds its files until its row is written, or never will be.
  const held = new Set(imageFiles.holds.map(({ sha256 }) => sha256));
  return imageFiles.files.flatMap(({ sha256, sizeBytes }) =>
    named.has(sha256) || held.has(sha256) ? [] : [leftOver(sha256, sizeBytes)],
  );
}

const leftOver = (sha256: string, sizeBytes: number): Finding => ({
  kind: "leak",
  subject: `image file ${sha256}`,
  message: `It has ${sizeBytes} bytes in the image store, and no image has it.`,
  next: "A controller removes it within minutes, while there is any image. If it stays, see the log.",
});

const unreadable = (error: string): Finding => ({
  kind: "drift",
  subject: "image store",
  message: `Its files were not compared, for they could not be listed: ${error}`,
  next: "See that the directory images in the state directory is there, and that the controller may read it.",
});
