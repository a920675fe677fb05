/** The options of `instance create` for its volumes: a root disk on one, and others beside it. */
import { type Command, InvalidArgumentError } from "commander";
import type { AskedVolume } from "../../../protocol/asked-volume.ts";
import { CommandError } from "../errors.ts";
import { parseGibibytes } from "../format.ts";

export interface BootOptions {
  readonly image?: string;
  readonly bootVolume?: string;
  readonly volumeSize?: number;
  readonly deleteOnTermination?: boolean;
  readonly volume?: readonly AskedVolume[];
  readonly newVolume?: readonly AskedVolume[];
}

const [deleted, madeFrom] = ["delete", "image="];

export function withBootOptions(command: Command): Command {
  return command
    .option("--image <image>", "what it boots from, by name or id: novact image list")
    .option("--boot-volume <volume>", "its root disk is this volume, by name or id")
    .option(
      "--volume-size <size>",
      "its root disk is a new volume of this size, such as 10G, made from the image",
      parseGibibytes,
    )
    .option("--delete-on-termination", "its root volume is deleted with it (default: it stays)")
    .option(
      "--volume <volume>",
      `this one beside its root disk; VOLUME,${deleted}: it goes too; repeatable`,
      collecting(thereOf),
    )
    .option(
      "--new-volume <size>",
      `a new one beside it: SIZE, SIZE,${madeFrom}IMAGE, or either and ,${deleted}; repeatable`,
      collecting(newOf),
    );
}

const collecting =
  (parse: (text: string) => AskedVolume) =>
  (text: string, before: readonly AskedVolume[] = []): readonly AskedVolume[] => [...before, parse(text)];

/** The fields of the request. @throws CommandError usage */
export function bootFieldsOf({ image, volume = [], newVolume = [], ...options }: BootOptions): {
  readonly image?: string;
  readonly volumes?: AskedVolume[];
} {
  const root = rootOf(image, options);
  if (image === undefined && root?.volume === undefined)
    throw new CommandError(
      "usage",
      "Nothing says what it boots from.",
      "Name an image or a volume: --image IMAGE, --boot-volume VOLUME.",
    );
  const volumes = [...(root === undefined ? [] : [root]), ...volume, ...newVolume];
  return { ...(image === undefined ? {} : { image }), ...(volumes.length === 0 ? {} : { volumes }) };
}

function rootOf(
  image: string | undefined,
  { bootVolume, volumeSize, deleteOnTermination: goes }: Omit<BootOptions, "volume" | "newVolume" | "image">,
): AskedVolume | undefined {
  const about = { bootIndex: 0, ...(goes === true ? { deleteOnTermination: true } : {}) };
  if (bootVolume !== undefined && volumeSize !== undefined)
    throw new CommandError("usage", "--boot-volume is a volume that has a size: leave out --volume-size.");
  if (bootVolume !== undefined) return { volume: bootVolume, ...about };
  if (volumeSize !== undefined)
    return { sizeGib: volumeSize, ...(image === undefined ? {} : { image }), ...about };
  if (goes !== true) return undefined;
  throw new CommandError("usage", "--delete-on-termination is of a root volume: say which, or how large.");
}

function thereOf(text: string): AskedVolume {
  const [volume = "", ...words] = text.split(",");
  return { volume, ...endOf(words) };
}

function newOf(text: string): AskedVolume {
  const [size = "", ...words] = text.split(",");
  const from = words.find((word) => word.startsWith(madeFrom));
  return {
    sizeGib: parseGibibytes(size),
    ...(from === undefined ? {} : { image: from.slice(madeFrom.length) }),
    ...endOf(words.filter((word) => word !== from)),
  };
}

/** @throws InvalidArgumentError */
function endOf(words: readonly string[]): { readonly deleteOnTermination?: true } {
  if (words.length === 0) return {};
  if (words.length === 1 && words[0] === deleted) return { deleteOnTermination: true };
  throw new InvalidArgumentError(`Behind the first comma there is no more than ${deleted}.`);
}
