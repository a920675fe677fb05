/**
 * The part of a plan that is about images of projects: registered for them, made without bytes, shared,
 * accepted, taken back, deactivated and deleted, while instances are made of them by whoever may and by
 * whoever may not. It has a stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

/** What only operators ask for. */
export const operatorImageCommands = ["imageRegister"] as const;
export const imageCommands = [
  "imageCreate",
  "imageUpdate",
  "imageShare",
  "imageUnshare",
  "imageAccept",
  "imageReject",
  "imageDeactivate",
  "imageReactivate",
  "imageDelete",
  "imageList",
  "imageGet",
  "imagedCreate",
] as const;
export type ImageCommand = (typeof imageCommands)[number] | (typeof operatorImageCommands)[number];

interface PlannedImage {
  readonly atMs: number;
  readonly client: number;
  readonly command: ImageCommand;
  readonly target: number;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

/** Some for each project at first; then whatever comes, and instances made in the same moment. */
export function imagesOf(random: Random, span: Span): readonly PlannedImage[] {
  const client = () => random.whole(0, span.clients - 1);
  const first = Array.from({ length: random.whole(2, 5) }, (_, target): PlannedImage => {
    return { atMs: span.fromMs + 50 * target, client: 0, command: "imageRegister", target };
  });
  const later = Array.from({ length: random.whole(10, 60) }, (): readonly PlannedImage[] => {
    const command = random.weighted({
      ...{ imageRegister: 1, imageCreate: 1, imageUpdate: 3, imageShare: 6, imageUnshare: 3, imageAccept: 4 },
      ...{
        imageReject: 1,
        imageDeactivate: 3,
        imageReactivate: 3,
        imageDelete: 2,
        imageList: 4,
        imageGet: 3,
      },
      imagedCreate: 4,
    });
    const atMs = Math.round(random.between(span.fromMs, span.untilMs));
    const target = random.whole(0, 119);
    const one: PlannedImage = { atMs, client: client(), command, target };
    if (!random.chance(0.4)) return [one];
    const used = { command: "imagedCreate", target: target % imagesAround } as const;
    return [
      one,
      ...[-30, 5, 60].map((ms) => ({ ...used, atMs: Math.max(span.fromMs, atMs + ms), client: client() })),
    ];
  });
  return [...first, ...later.flat(), ...takenBack(random.fork("taken back"), span)];
}

/** Shared, used, taken back, and used at once by who still has it in mind; whoever owns it asks as well. */
function takenBack(random: Random, { fromMs, untilMs, clients }: Span): readonly PlannedImage[] {
  return Array.from({ length: random.whole(0, 4) }, () => {
    const [atMs, target] = [Math.round(random.between(fromMs, untilMs)), random.whole(0, imagesAround - 1)];
    const everybody = (command: ImageCommand, afterMs: number) =>
      Array.from({ length: clients }, (_, client): PlannedImage => {
        return { atMs: Math.min(untilMs, atMs + afterMs), client, command, target };
      });
    const used = [600, 900, 1_100, 1_150, 1_200, 1_300].flatMap((ms) => everybody("imagedCreate", ms));
    return [...everybody("imageShare", 0), ...used, ...everybody("imageUnshare", 1_050)];
  }).flat();
}

/** Targets that differ by this are of the same image, as long as there are no more images than this. */
const imagesAround = 60;
