/** What a host gives to other hosts of its images and gets of theirs, in the lines of `novact host show`. */
import type { Host } from "../../../protocol/host.ts";
import { imageLimits } from "../../../protocol/limits/image.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { mebibytes } from "../format.ts";
import type { Fact } from "../table.ts";

export function imageFacts({ imagePeer }: Host): readonly Fact[] {
  if (imagePeer === undefined) return [];
  const { has, sending, sentBytes, fromPeersBytes, fromControllersBytes, lies } = imagePeer;
  const many = `${counted(has.length, "image")}${has.length === imageLimits.imagesToldMax ? " or more" : ""}`;
  const now = sending === 0 ? "" : `, ${sending} on their way to other hosts`;
  const wrong: Fact = [
    "wrong images",
    `${lies} came with other bytes, and came anew: see the log of the host`,
    "yellow",
  ];
  return [
    ["has", `${many}${now}`],
    [
      "images brought",
      `${mib(fromControllersBytes)} from controllers, ${mib(fromPeersBytes)} from hosts; ${mib(sentBytes)} sent to hosts`,
    ],
    ...(lies === 0 ? [] : [wrong]),
  ];
}

const mib = (bytes: number): string => mebibytes(Math.round(bytes / 1024 ** 2));
