/** novact volume …: disks that outlive instances. */
import { Command } from "commander";
import { type Volume, volume } from "../../../protocol/volume.ts";
import { gibibytes, parseGibibytes, time } from "../format.ts";
import { type Noun, nounCommand } from "../noun-command.ts";
import { rowId } from "../resolve.ts";
import type { Invoke } from "../run.ts";
import { finishChanges } from "./verbs.ts";
import { attachCommand, detachCommand, type Waiting, waiting } from "./volume-attachment.ts";

interface Making {
  readonly size?: number;
  readonly image?: string;
  readonly sourceVolume?: string;
  readonly description?: string;
  readonly storage?: string;
  readonly local?: boolean;
}

interface Settings {
  readonly name?: string;
  readonly description?: string | false;
}

export function volumeCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: volume,
    command: "volume",
    description: "Disks that outlive instances.",
    client: (api) => api.volume,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "SIZE", value: ({ sizeGib }) => gibibytes(sizeGib) },
      { title: "STATUS", value: ({ status }) => status ?? "-" },
      { title: "INSTANCE", value: ({ instanceId }) => instanceId ?? "-" },
      { title: "FROM", value: fromOf, cut: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["name", one.name],
      ["description", one.description ?? undefined],
      ["size", gibibytes(one.sizeGib)],
      ["status", one.status],
      [one.status === "copying" ? "other volume" : "instance", one.instanceId ?? "none"],
      ["from", fromOf(one)],
      ["where", whereOf(one)],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = new Command("create")
    .description("Makes a volume, empty, from an image or from another one.")
    .argument("<name>", "what it is called")
    .option(
      "--size <size>",
      "how large, such as 10G; a bare number is GiB; with an image as large as it is",
      parseGibibytes,
    )
    .option("--image <image>", "the image that it is made from: its id or name")
    .option(
      "--source-volume <volume>",
      "the volume that it is a copy of, which nobody may have: its id or name",
    )
    .option("--description <text>", "what it is for")
    .option("--storage <id>", "the storage that it is on (default: the one with the most room)")
    .option("--local", "on the own disk of the host of its first instance, where it stays")
    .action((name: string, { size, ...options }: Making, typed: Command) =>
      invoke(typed, async (run) => {
        const asked = { name, ...options, ...(size === undefined ? {} : { sizeGib: size }) };
        await print(run, await (await session(run)).volume.create(asked, run.call()));
        return 0;
      }),
    );
  const set = new Command("set")
    .description("Renames or describes a volume.")
    .argument("<volume>", "its id or name")
    .option("--name <name>", "its new name")
    .option("--description <text>", "what it is for")
    .option("--no-description", "no description any more")
    .action((key: string, { name, description }: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { volume: api } = await session(run);
        const id = await rowId(run, api, { resource: volume, key });
        const settings = {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description: description === false ? null : description }),
        };
        await print(run, await api.set(id, settings, run.call()));
        return 0;
      }),
    );
  return command
    .addCommand(create)
    .addCommand(set)
    .addCommand(attachCommand(invoke))
    .addCommand(detachCommand(invoke))
    .addCommand(extendCommand(invoke, { session, print }));
}

const fromOf = ({ source }: Volume): string => (source === null ? "-" : `image ${source.image.name}`);

function whereOf({ storageId, hostId }: Volume): string {
  if (storageId !== null) return `storage ${storageId}`;
  return hostId === null ? "on the host of its first instance" : `the own disk of host ${hostId}`;
}

/** A volume of an instance grows by a command of the instance. */
function extendCommand(
  invoke: Invoke,
  { session, print }: Pick<Noun<typeof volume>, "session" | "print">,
): Command {
  return waiting(
    new Command("extend")
      .description("Makes a volume larger, also while it is attached.")
      .argument("<volume>", "its id or name")
      .argument("<size>", "how large it is to be, such as 20G; a bare number is GiB", parseGibibytes),
  ).action((key: string, sizeGib: number, options: Waiting, typed: Command) =>
    invoke(typed, async (run) => {
      const api = await session(run);
      const id = await rowId(run, api.volume, { resource: volume, key });
      const { wait = false, requestId = api.newRequestId() } = options;
      const { volume: row } = await api.volume.get(id, {}, run.call());
      if (row.instanceId === null) {
        await print(run, await api.volume.extend(id, { sizeGib }, run.call({ requestId })));
        return 0;
      }
      const asked = { volume: id, sizeGib };
      const changed = await api.instance.volumeExtend(row.instanceId, asked, run.call({ requestId }));
      return finishChanges(run, api, { changes: [changed], wait, single: true, verb: "extend" });
    }),
  );
}
