/** novact image create, update, share …: what owners and members do with images of projects. */
import { Command, Option } from "commander";
import { type Image, imageVisibilities } from "../../../protocol/image.ts";
import { CommandError } from "../errors.ts";
import type { Invoke, Run } from "../run.ts";
import { type PropertyOptions, propertiesOf, withProperties } from "./image-properties.ts";

type Print = (run: Run, image: Image) => Promise<void>;
type Visibility = (typeof imageVisibilities)[number];

export const visibilityOption = (text: string): Option =>
  new Option("--visibility <word>", text).choices(imageVisibilities);

/** All of them, in the order of help. */
export const sharingCommands = (invoke: Invoke, print: Print): readonly Command[] => [
  createCommand(invoke, print),
  updateCommand(invoke, print),
  plainCommand(invoke, print, "deactivate", "No instance is made of it from now on."),
  plainCommand(invoke, print, "reactivate", "Instances can be made of it again."),
  projectCommand(invoke, print, "share", "Shares an image with a project, which may use it by its id."),
  projectCommand(invoke, print, "unshare", "Shares an image with a project no more."),
  plainCommand(invoke, print, "accept", "Lists an image that another project shares with this one."),
  plainCommand(invoke, print, "reject", "Does not list an image that another project shares with this one."),
];

interface CreateOptions extends PropertyOptions {
  readonly visibility?: Visibility;
  readonly protect?: true;
}

function createCommand(invoke: Invoke, print: Print): Command {
  const create = new Command("create")
    .description("Makes an image without bytes, which waits for them.")
    .argument("<name>", "its name; several may have it")
    .addOption(visibilityOption("who beside the project may use it; without it nobody"))
    .option("--protect", "it cannot be deleted");
  return withProperties(create).action((name: string, options: CreateOptions, command: Command) =>
    invoke(command, async (run) => {
      const request = { name, ...changesOf(options) };
      await print(run, (await (await run.session()).image.create(request, run.call())).image);
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
