/** novact flavor …: the sizes that instances come in. */
import { Command } from "commander";
import type { Flavor } from "../../../protocol/flavor.ts";
import { localDisksOf } from "../../../protocol/local-disks.ts";
import {
  gibibytes,
  mebibytes,
  pairsOf,
  parseGibibytes,
  parseMebibytes,
  parsePair,
  parsePositive,
  time,
} from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed } from "../lists/listed.ts";
import type { Invoke, Run } from "../run.ts";
import { deleteCommand, type Removal } from "../several/delete-command.ts";
import type { Column } from "../table.ts";

export function flavorCommand(invoke: Invoke): Command {
  const noun = new Command("flavor").description(
    "Sizes of instances. Everybody lists them, operators make them.",
  );
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  noun.addCommand(createCommand(invoke));
  noun.addCommand(deleteCommand(invoke, removal));
  return noun;
}

/** "-": it has none. */
const sizeOf = (size: number | undefined, text: (size: number) => string): string =>
  size === undefined || size === 0 ? "-" : text(size);
const diskOf = ({ diskGib }: Flavor): string => (diskGib === 0 ? "the image's" : gibibytes(diskGib));

const columns: readonly Column<Flavor>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "VCPUS", value: ({ vcpus }) => String(vcpus) },
  { title: "MEMORY", value: ({ memoryMib }) => mebibytes(memoryMib), order: ({ memoryMib }) => memoryMib },
  { title: "DISK", value: diskOf, order: ({ diskGib }) => diskGib },
  {
    title: "EPHEMERAL",
    value: ({ ephemeralGib }) => sizeOf(ephemeralGib, gibibytes),
    order: ({ ephemeralGib }) => ephemeralGib ?? 0,
    wide: true,
  },
  {
    title: "SWAP",
    value: ({ swapMib }) => sizeOf(swapMib, mebibytes),
    order: ({ swapMib }) => swapMib ?? 0,
    wide: true,
  },
  { title: "EXTRA SPECS", value: ({ extraSpecs }) => pairsOf(extraSpecs) ?? "-", wide: true },
  { title: "CREATED", value: ({ createdAtMs }) => time(createdAtMs), wide: true },
];

async function print(run: Run, flavor: Flavor): Promise<void> {
  if (run.json) return run.emit(flavor);
  const { renderFacts } = await import("../table.ts");
  run.print(
    renderFacts(
      [
        ["id", flavor.id],
        ["name", flavor.name],
        ["vCPUs", String(flavor.vcpus)],
        ["memory", mebibytes(flavor.memoryMib)],
        ["disk", diskOf(flavor)],
        ["ephemeral disk", flavor.ephemeralGib ? gibibytes(flavor.ephemeralGib) : undefined],
        ["swap", flavor.swapMib ? mebibytes(flavor.swapMib) : undefined],
        ["extra specs", pairsOf(flavor.extraSpecs)],
        ["created", time(flavor.createdAtMs)],
      ],
      run.paint,
      run.width,
    ),
  );
}

const list: Listed<Flavor> = {
  description: "Lists flavors, oldest first.",
  keyOf: ({ id }) => id,
  reader:
    ({ run, session }) =>
    async (page) => {
      const { flavors, nextMarker } = await session.flavor.list(page, run.call());
      return { rows: flavors, nextMarker };
    },
  columns: () => columns,
  follows: ["flavor"],
};

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one flavor.")
    .argument("<flavor>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        await print(run, (await session.flavor.get(key, {}, run.call())).flavor);
        return 0;
      }),
    );
}

interface Size {
  readonly vcpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly ephemeral: number;
  readonly swap: number;
  readonly spec?: Record<string, string>;
}

function createCommand(invoke: Invoke): Command {
  return new Command("create")
    .description("Makes a flavor; for operators. Its name must be free.")
    .argument("<name>", "its name")
    .requiredOption("--vcpus <n>", "how many virtual CPUs", parsePositive)
    .requiredOption("--memory <size>", "such as 512M, 1.5G or 1GB; a bare number is MiB", parseMebibytes)
    .option(
      "--disk <size>",
      "size of the root disk, such as 10G; a bare number is GiB; 0 takes the image's own",
      parseGibibytes,
      0,
    )
    .option(
      "--ephemeral <size>",
      "an empty disk beside it, as --disk; lasts as long as the instance",
      parseGibibytes,
      0,
    )
    .option("--swap <size>", "a disk to swap to, as --memory", parseMebibytes, 0)
    .option(
      "--spec <key=value>",
      "an extra spec, read by the scheduler filter that knows it; repeatable",
      parsePair,
    )
    .action((name: string, { vcpus, memory, disk, ephemeral, swap, spec }: Size, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const local = localDisksOf({ ephemeralGib: ephemeral, swapMib: swap });
        const extraSpecs = spec === undefined ? {} : { extraSpecs: spec };
        const request = { name, vcpus, memoryMib: memory, diskGib: disk, ...local, ...extraSpecs };
        await print(run, (await session.flavor.create(request, run.call())).flavor);
        return 0;
      }),
    );
}

const removal: Removal = {
  noun: "flavor",
  description: "Removes flavors; for operators. Instances made from them keep their size.",
  audience: "admin",
  find: async (session, key, run) => (await session.flavor.get(key, {}, run.call())).flavor,
  remove: async (session, key, run) => (await session.flavor.delete(key, {}, run.call())).flavor,
};
