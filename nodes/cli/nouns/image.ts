/** novact image …: the images that guests boot from. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { type Image, imageStates, type imageVisibilities, memberStatuses } from "../../../protocol/image.ts";
import { diskFormats } from "../../../protocol/kinds.ts";
import { CommandError } from "../errors.ts";
import { bytes, gibibytes, mebibytes, pairsOf, time } from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed } from "../lists/listed.ts";
import type { Invoke, Run } from "../run.ts";
import { deleteCommand, type Removal } from "../several/delete-command.ts";
import type { Column, Fact } from "../table.ts";
import { catalogueCommand } from "./image-catalogue.ts";
import { type PropertyOptions, propertiesOf, withProperties } from "./image-properties.ts";
import { sharingCommands, visibilityOption } from "./image-sharing.ts";
import { waitOf } from "./image-wait.ts";

export function imageCommand(invoke: Invoke): Command {
  const noun = new Command("image").description(
    "What guests boot from. Operators register them, projects make and share their own.",
  );
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  noun.addCommand(catalogueCommand(invoke));
  noun.addCommand(registerCommand(invoke));
  for (const command of sharingCommands(invoke, print)) noun.addCommand(command);
  noun.addCommand(deleteCommand(invoke, removal));
  return noun;
}

const kindOf = ({ disk, kernel }: Image): string =>
  [disk === null ? [] : [disk.format], kernel === null ? [] : ["kernel"]].flat().join(" + ");

const sizeOf = ({ disk, kernel, ramdisk }: Image): number =>
  (disk?.sizeBytes ?? 0) + (kernel?.sizeBytes ?? 0) + (ramdisk?.sizeBytes ?? 0);

const columns: readonly Column<Image>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "STATE", value: ({ state }) => state ?? "active" },
  { title: "VISIBILITY", value: ({ visibility }) => visibility ?? "public" },
  { title: "KIND", value: kindOf },
  { title: "SIZE", value: (image) => bytes(sizeOf(image)), order: sizeOf },
  { title: "OWNER", value: ({ project }) => project ?? "-" },
  { title: "ARCHITECTURE", value: ({ properties }) => properties.architecture, wide: true },
  { title: "PROPERTIES", value: ({ properties }) => pairsOf(properties.extra ?? {}) ?? "-", wide: true },
  { title: "REGISTERED", value: ({ createdAtMs }) => time(createdAtMs), wide: true },
];

function facts({
  id,
  name,
  disk,
  kernel,
  ramdisk,
  commandLine,
  properties,
  createdAtMs,
  ...more
}: Image): readonly Fact[] {
  const file = (part: { sha256: string; sizeBytes: number } | null) =>
    part === null ? undefined : `${bytes(part.sizeBytes)}, sha256 ${part.sha256}`;
  return [
    ["id", id],
    ["name", name],
    ["state", more.state],
    ["waits for", waitOf({ id, name, ...more })],
    ["visibility", more.visibility],
    ["owner", more.project],
    ["protected", more.protected === true ? "yes" : undefined],
    [
      "shared with",
      more.members?.map(({ project, status }) => `${project} (${status})`).join(", ") || undefined,
    ],
    ["shared with us", more.memberStatus],
    ["takes", typeof more.sizeBytes === "number" ? bytes(more.sizeBytes) : undefined],
    ["bytes at", more.holder ?? undefined],
    ["refused", more.refusal ? `${more.refusal.message} (${more.refusal.reason})` : undefined],
    ["md5", more.checksums?.md5],
    ["sha512", more.checksums?.sha512],
    [
      "disk",
      disk === null ? undefined : `${disk.format}, ${bytes(disk.virtualSizeBytes)} inside, ${file(disk)}`,
    ],
    ["kernel", file(kernel)],
    ["ramdisk", file(ramdisk)],
    ["command line", commandLine === "" ? undefined : commandLine],
    ["architecture", properties.architecture],
    ["memory, at least", properties.memoryMibMin === 0 ? undefined : mebibytes(properties.memoryMibMin)],
    ["disk, at least", properties.diskGibMin === 0 ? undefined : gibibytes(properties.diskGibMin)],
    ["hypervisor", properties.hypervisor],
    ["properties", pairsOf(properties.extra ?? {})],
    ["registered", time(createdAtMs)],
  ];
}

async function print(run: Run, image: Image): Promise<void> {
  if (run.json) return run.emit(image);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(facts(image), run.paint, run.width));
}

interface ListOptions {
  readonly visibility?: (typeof imageVisibilities)[number];
  readonly state?: (typeof imageStates)[number];
  readonly memberStatus?: (typeof memberStatuses)[number];
}

const list: Listed<Image, ListOptions> = {
  description: "Lists images that the project may use, oldest first.",
  filters: (command) =>
    command
      .addOption(visibilityOption("only these; community shows those of all projects"))
      .addOption(new Option("--state <word>", "only those in this state").choices(imageStates))
      .addOption(
        new Option("--member-status <word>", "what others share, by what we said to it").choices(
          memberStatuses,
        ),
      ),
  keyOf: ({ id }) => id,
  reader:
    ({ run, session, options: { visibility, state, memberStatus } }) =>
    async ({ limit, marker }) => {
      const page = { ...(limit && { limit }), ...(marker && { marker }) };
      const asked = {
        ...(visibility && { visibility }),
        ...(state && { state }),
        ...(memberStatus && { memberStatus }),
      };
      const { images, nextMarker } = await session.image.list({ ...page, ...asked }, run.call());
      return { rows: images, nextMarker };
    },
  columns: () => columns,
  follows: ["image"],
};

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one image.")
    .argument("<image>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        await print(run, (await session.image.get(key, {}, run.call())).image);
        return 0;
      }),
    );
}

interface RegisterOptions extends PropertyOptions {
  readonly disk?: string;
  readonly format?: (typeof diskFormats)[number];
  readonly diskSha256?: string;
  readonly kernel?: string;
  readonly kernelSha256?: string;
  readonly ramdisk?: string;
  readonly ramdiskSha256?: string;
  readonly commandLine?: string;
  readonly forProject?: string;
  readonly visibility?: (typeof imageVisibilities)[number];
}

function registerCommand(invoke: Invoke): Command {
  const register = new Command("register")
    .description("Verifies files on the controller's disk and keeps them as an image; for operators.")
    .argument("<name>", "its name; several may have it")
    .option("--disk <file>", "a disk; it needs no backing file and must have none")
    .addOption(
      new Option("--format <format>", "of the disk; without it the file's ending says it").choices(
        diskFormats,
      ),
    )
    .option("--disk-sha256 <sum>", "refuse the disk when it has another checksum")
    .option("--kernel <file>", "a kernel to boot directly")
    .option("--kernel-sha256 <sum>", "refuse the kernel when it has another checksum")
    .option("--ramdisk <file>", "the kernel's ramdisk")
    .option("--ramdisk-sha256 <sum>", "refuse the ramdisk when it has another checksum")
    .option("--command-line <text>", "the kernel's command line")
    .option("--for-project <name>", "whose it shall be; without it the operators'")
    .addOption(visibilityOption("who may use it; without it everybody, or its project alone"));
  return withProperties(register).action((name: string, options: RegisterOptions, command: Command) =>
    invoke(command, async (run) => {
      const { forProject: project, visibility } = options;
      const whose = { ...(project && { project }), ...(visibility && { visibility }) };
      const request = { name, ...filesOf(options), ...propertiesOf(options), ...whose };
      const session = await run.adminSession();
      // The answer comes after large files are read and their checksums computed.
      const { image } = await session.image.register(request, run.call({ atLeastMs: 600_000 }));
      await print(run, image);
      return 0;
    }),
  );
}

/** The files to register; relative paths start in the directory where the command was typed. */
function filesOf(options: RegisterOptions) {
  if (options.disk === undefined && options.kernel === undefined)
    throw new CommandError(
      "usage",
      "An image needs a disk or a kernel.",
      "Give --disk FILE, or --kernel FILE, or both.",
    );
  const source = (path: string, sha256: string | undefined) => ({
    path: resolve(path),
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  const { disk, kernel, ramdisk, commandLine } = options;
  return {
    ...(disk === undefined
      ? {}
      : { disk: { ...source(disk, options.diskSha256), format: formatOf(disk, options) } }),
    ...(kernel === undefined ? {} : { kernel: source(kernel, options.kernelSha256) }),
    ...(ramdisk === undefined ? {} : { ramdisk: source(ramdisk, options.ramdiskSha256) }),
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}

/**
 * The format of a disk, from the option or the file's name, never from its content: a guest that writes a
 * qcow2 header into its raw disk must not be believed.
 */
function formatOf(path: string, { format }: RegisterOptions): (typeof diskFormats)[number] {
  const ending = diskFormats.find((known) => path.endsWith(`.${known}`));
  const found = format ?? ending;
  if (found !== undefined) return found;
  throw new CommandError(
    "usage",
    `The ending of ${path} does not say its format.`,
    "Give --format qcow2 or --format raw.",
  );
}

const removal: Removal = {
  noun: "image",
  description: "Removes images. Refused while an instance uses one, or while it is protected.",
  find: async (session, key, run) => (await session.image.get(key, {}, run.call())).image,
  remove: async (session, key, run) => (await session.image.delete(key, {}, run.call())).image,
};
