/**
 * The part of a plan that is about the bytes of images: sent in small pieces, broken off and resumed, wrong,
 * deleted in the middle, fetched and booted, while controllers die, are full, and lose what was sent. Each
 * has a stream of chance of its own. Pure.
 */
import type { Parameters } from "./plan-parameters.ts";
import type { Random } from "./random.ts";

/** `imageSend`: how, follows from the target. `imageSpoil`: bytes of another file, in the middle of one. */
export const uploadCommands = ["imageSend", "imageResume", "imageSpoil", "imageFetch"] as const;
export type UploadCommand = (typeof uploadCommands)[number];

export const isUpload = (command: string): command is UploadCommand =>
  uploadCommands.some((one) => one === command);

/** The target names a controller. */
export const uploadFaults = ["imageStoreFull", "partsLost"] as const;
export type UploadFault = (typeof uploadFaults)[number];

export const takesUploads = ({ uploads, oneVersion }: Parameters): boolean =>
  uploads === true && oneVersion === true;

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface PlannedUpload {
  readonly atMs: number;
  readonly client: number;
  readonly command: UploadCommand | "imageDelete" | "imagedCreate";
  readonly target: number;
}

/** Some sent at first; then whatever comes, some of it in the same moment by others as well. */
export function uploadsOf(
  random: Random,
  { fromMs, untilMs, clients }: Span & { readonly clients: number },
): readonly PlannedUpload[] {
  const client = () => random.whole(0, clients - 1);
  const first = Array.from({ length: random.whole(1, 3) }, (): PlannedUpload => {
    const atMs = fromMs + random.whole(0, 2_000);
    return { atMs, client: client(), command: "imageSend", target: random.whole(0, targetMax) };
  });
  const later = Array.from({ length: random.whole(6, 40) }, (): readonly PlannedUpload[] => {
    const command = random.weighted({
      ...{ imageSend: 5, imageResume: 6, imageSpoil: 1, imageFetch: 4, imageDelete: 1, imagedCreate: 3 },
    });
    const one = { atMs: Math.round(random.between(fromMs, untilMs)), command };
    const target = random.whole(0, targetMax);
    const many = random.chance(0.2) ? random.whole(2, 3) : 1;
    return Array.from({ length: many }, () => ({ ...one, client: client(), target }));
  });
  return [...first, ...later.flat()];
}

const targetMax = 119;

export interface PlannedUploadFault {
  readonly atMs: number;
  readonly fault: UploadFault | "killController";
  readonly target: number;
  readonly forMs: number;
}

export function uploadFaultsOf(random: Random, { fromMs, untilMs }: Span): readonly PlannedUploadFault[] {
  return Array.from({ length: random.whole(0, 6) }, () => ({
    atMs: Math.round(random.between(fromMs, untilMs)),
    fault: random.weighted({ killController: 5, imageStoreFull: 2, partsLost: 1 }),
    target: random.whole(0, 30),
    forMs: random.whole(200, 15_000),
  }));
}
