/** novact image create, update, share …: what owners and members do with images of projects. */
import { Command, Option } from "commander";
import { type Image, imageVisibilities } from "../../../protocol/image.ts";
import { imageParts, packings, uploadFormats } from "../../../protocol/image-bytes.ts";
import { CommandError } from "../errors.ts";
import { bytes } from "../format.ts";
import type { Invoke, Run } from "../run.ts";
import { type FileKind, saveFile, sendFile } from "./image-file.ts";
import { imageOfInstance, notOfInstances } from "./image-of-instance.ts";
import { type PropertyOptions, propertiesOf, withProperties } from "./image-properties.ts";
import { type Waiting, waiting } from "./volume-attachment.ts";

type Print = (run: Run, image: Image) => Promise<void>;
type Visibility = (typeof imageVisibilities)[number];

export const visibilityOption = (text: string): Option =>
  new Option("--visibility <word>", text).choices(imageVisibilities);

/** All of them, in the order of help. */
export const sharingCommands = (invoke: Invoke, print: Print): readonly Command[] => [
  createCommand(invoke, print),
  saveCommand(invoke),
  updateCommand(invoke, print),
  plainCommand(invoke, print, "deactivate", "No instance is made of it from now on."),
  plainCommand(invoke, print, "reactivate", "Instances can be made of it again."),
  projectCommand(invoke, print, "share", "Shares an image with a project, which may use it by its id."),
  projectCommand(invoke, print, "unshare", "Shares an image with a project no more."),
  plainCommand(invoke, print, "accept", "Lists an image that another project shares with this one."),
  plainCommand(invoke, print, "reject", "Does not list an image that another project shares with this one."),
];

interface CreateOptions extends PropertyOptions, FileKind, Waiting {
  readonly instance?: string;
  readonly file?: string;
  readonly visibility?: Visibility;
  readonly protect?: true;
}

function createCommand(invoke: Invoke, print: Print): Command {
  const create = new Command("create")
    .description(
      "Makes an image of a file, of an instance's root disk, or one that waits for its bytes. " +
        "Of a file: run again, it goes on sending.",
    )
    .argument("<name>", "its name; several may have it")
    .option("--file <path>", "a disk to send; without it the image waits for bytes")
    .addOption(
      new Option("--format <format>", "of the disk; without it the file's name says it").choices(
        uploadFormats,
      ),
    )
    .addOption(
      new Option("--packing <tool>", "how it is packed; without it the file's name says it").choices(
        packings,
      ),
    )
    .addOption(visibilityOption("who beside the project may use it; without it nobody"))
    .option("--protect", "it cannot be deleted")
    .addOption(
      new Option(
        "--instance <instance>",
        "make it of this instance's root disk, by its id or name",
      ).conflicts(notOfInstances),
    );
  return waiting(withProperties(create)).action((name: string, options: CreateOptions, command: Command) =>
    invoke(command, async (run) => {
      const { file, format, packing, instance, ...rest } = options;
      const session = await run.session();
      if (instance !== undefined) return imageOfInstance(run, session, { ...rest, name, instance, print });
      const request = { name, ...changesOf(rest) };
      const make = async () => (await session.image.create(request, run.call())).image;
      if (file === undefined) await print(run, await make());
      else {
        const kind = { ...(format && { format }), ...(packing && { packing }) };
        await print(run, await sendFile(run, session, { name, file, make, ...kind }));
      }
      return 0;
    }),
  );
}

interface SaveOptions {
  readonly file: string;
  readonly part?: (typeof imageParts)[number];
  readonly overwrite?: true;
}

function saveCommand(invoke: Invoke): Command {
  return new Command("save")
    .description("Saves an image into a file. Run again, it goes on where it was.")
    .argument("<image>", "its id or name")
    .requiredOption("--file <path>", "where to; it gets this name when it is whole")
    .addOption(new Option("--part <file>", "which of its files; without it the disk").choices(imageParts))
    .option("--overwrite", "also when there is a file of this name")
    .action((image: string, { file, part, overwrite }: SaveOptions, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const more = { ...(part && { part }), ...(overwrite && { overwrite }) };
        const saved = await saveFile(run, session, { image, file, ...more });
        if (run.json) run.emit(saved);
        else run.print(`${saved.file}: ${bytes(saved.sizeBytes)}, sha256 ${saved.sha256}`);
        return 0;
      }),
    );
}

interface UpdateOptions extends PropertyOptions {
  readonly name?: string;
  readonly visibility?: Visibility;
  readonly protect?: true;
  readonly unprotect?: true;
}

function updateCommand(invoke: Invoke, print: Print): Command {
  const update = new Command("update")
    .description("Renames an image, or changes who may use it, and what it needs.")
    .argument("<image>", "its id or name")
    .option("--name <name>", "its new name")
    .addOption(visibilityOption("who beside its owner may use it; operators make it public"))
    .addOption(new Option("--protect", "it cannot be deleted").conflicts("unprotect"))
    .option("--unprotect", "it can be deleted");
  return withProperties(update).action((key: string, options: UpdateOptions, command: Command) =>
    invoke(command, async (run) => {
      const { name } = options;
      const request = { ...(name === undefined ? {} : { name }), ...changesOf(options) };
      if (Object.keys(request).length === 0)
        throw new CommandError("usage", "Nothing is to be changed.", "Say what: novact image update --help.");
      await print(run, (await (await run.session()).image.update(key, request, run.call())).image);
      return 0;
    }),
  );
}

function changesOf({ visibility, protect, unprotect, ...properties }: Omit<UpdateOptions, "name">) {
  return {
    ...(visibility === undefined ? {} : { visibility }),
    ...(protect === true ? { protected: true } : {}),
    ...(unprotect === true ? { protected: false } : {}),
    ...propertiesOf(properties),
  };
}

type Plain = "deactivate" | "reactivate" | "accept" | "reject";

function plainCommand(invoke: Invoke, print: Print, verb: Plain, description: string): Command {
  return new Command(verb)
    .description(description)
    .argument("<image>", verb === "accept" || verb === "reject" ? "its id" : "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        await print(run, (await (await run.session()).image[verb](key, {}, run.call())).image);
        return 0;
      }),
    );
}

function projectCommand(
  invoke: Invoke,
  print: Print,
  verb: "share" | "unshare",
  description: string,
): Command {
  return new Command(verb)
    .description(description)
    .argument("<image>", "its id or name")
    .argument("<project>", "whom with")
    .action((key: string, project: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        await print(run, (await (await run.session()).image[verb](key, { project }, run.call())).image);
        return 0;
      }),
    );
}
