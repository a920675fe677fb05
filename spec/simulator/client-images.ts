/** What is asked of images in a plan: the method, whom it is about, and the request. Pure. */
import type { CommandKind } from "./plan.ts";
import { type ImageCommand, imageCommands, operatorImageCommands } from "./plan-images.ts";

/** As client-surroundings.ts has it. */
interface Call {
  readonly method: string;
  readonly id: string | undefined;
  readonly request: Readonly<Record<string, unknown>>;
}

export const isOfImages = (command: CommandKind): command is ImageCommand =>
  [...imageCommands, ...operatorImageCommands].some((one) => one === command);

const projects = ["demo", "other"] as const;
const visibilities = ["private", "shared", "community", "private", "public", "shared"] as const;
const statuses = ["pending", "accepted", "rejected"] as const;
const of = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length];
const name = (target: number): string => `image-${target % 3}`;

/**
 * `images`: ids of those that anybody has made, of whatever project. Some are called by their names instead.
 */
export function imageCall(command: ImageCommand, target: number, images: readonly string[]): Call {
  const known = of(images, target);
  const key = target % 5 === 4 ? name(target) : known;
  const method = `image.${command.slice("image".length).toLowerCase()}`;
  switch (command) {
    case "imageRegister": {
      const whose = { project: of(projects, target), visibility: of(visibilities, target) };
      return {
        method,
        id: "",
        request: { name: name(target), kernel: { path: `/kernel-${target % 3}` }, ...whose },
      };
    }
    case "imageCreate":
      return { method, id: "", request: { name: name(target), visibility: of(visibilities, target) } };
    case "imageUpdate":
      return { method, id: key, request: updated(target) };
    case "imageShare":
    case "imageUnshare":
      return { method, id: key, request: { project: of(projects, Math.floor(target / 7)) } };
    case "imageList":
      return { method, id: "", request: listed(target) };
    case "imagedCreate": {
      const wanted = { name: `imaged-${target}`, flavor: "tiny", image: key ?? name(target) };
      return { method: "instance.create", id: "", request: wanted };
    }
    default:
      return { method, id: key, request: {} };
  }
}

/** More or less than the flavor has, another visibility, or protected for a while. */
function updated(target: number): Readonly<Record<string, unknown>> {
  const round = Math.floor(target / 6);
  if (target % 3 === 0) return { properties: { memoryMibMin: round % 2 === 0 ? 256 : 0 } };
  return target % 3 === 1 ? { visibility: of(visibilities, round) } : { protected: round % 2 === 0 };
}

function listed(target: number): Readonly<Record<string, unknown>> {
  if (target % 4 === 0) return { memberStatus: of(statuses, Math.floor(target / 4)) };
  return target % 4 === 1 ? { visibility: "community" } : {};
}
