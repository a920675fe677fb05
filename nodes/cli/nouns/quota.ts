/** novact quota …: the quotas of projects, and their usage. */
import { Command } from "commander";
import type { Quota, QuotaLimits, QuotaResource } from "../../../protocol/quota.ts";
import {
  type LimitedName,
  limitedResources,
  type SummedName,
  summedLimits,
} from "../../../protocol/resources.ts";
import { nounInWords } from "../../../protocol/wire/resource.ts";
import { CommandError } from "../errors.ts";
import {
  bytes,
  gibibytes,
  mebibytes,
  parseBytes,
  parseCount,
  parseGibibytes,
  parseMebibytes,
  parsePair,
} from "../format.ts";
import type { Invoke, Run } from "../run.ts";
import type { Column } from "../table.ts";

export function quotaCommand(invoke: Invoke): Command {
  const noun = new Command("quota").description("How much a project may have. Operators set it.");
  noun.addCommand(showCommand(invoke));
  noun.addCommand(setCommand(invoke));
  return noun;
}

interface Line {
  readonly resource: string;
  readonly used: string;
  readonly limit: string;
  readonly from: string;
}

const columns: readonly Column<Line>[] = [
  { title: "RESOURCE", value: ({ resource }) => resource },
  { title: "USED", value: ({ used }) => used },
  { title: "LIMIT", value: ({ limit }) => limit },
  { title: "FROM", value: ({ from }) => from, style: () => "dim" },
];

const titles: readonly (readonly [QuotaResource, string, (value: number) => string])[] = [
  ["instances", "instances", String],
  ["vcpus", "vCPUs", String],
  ["memoryMib", "memory", mebibytes],
  ["imageBytes", "bytes of images", bytes],
  ...limitedResources.map((one) => [one.many, `${nounInWords(one)}s`, String] as const),
  ...summedLimits.map(({ name, resource }) => [name, `${nounInWords(resource)}s' size`, gibibytes] as const),
];

/** Of resources of plug-ins, by their names. */
const extensionLines = ({ limits, effective, used }: Quota): Line[] =>
  Object.entries(effective.extensions ?? {}).map(([name, limit]) => ({
    resource: name,
    used: String(used.extensions?.[name] ?? 0),
    limit: limit < 0 ? "none" : String(limit),
    from: (limits.extensions?.[name] ?? null) === null ? "the default" : "its own",
  }));

/** A server of an older version says nothing of newer resources. */
const linesOf = ({ limits, effective, used }: Quota): Line[] =>
  titles.flatMap(([resource, title, format]) => {
    const [limit, has] = [effective[resource], used[resource]];
    if (limit === undefined || has === undefined) return [];
    return {
      resource: title,
      used: format(has),
      limit: limit < 0 ? "none" : format(limit),
      from: (limits[resource] ?? null) === null ? "the default" : "its own",
    };
  });

const defaultsOf = (limits: QuotaLimits): Line[] => {
  const ours = titles.map(([resource, title, format]) => {
    const usual =
      limitedResources.find(({ many }) => many === resource)?.limit.most ??
      summedLimits.find(({ name }) => name === resource)?.most;
    const limit = limits[resource] ?? usual ?? -1;
    return { resource: title, used: "-", limit: limit < 0 ? "none" : format(limit), from: "the default" };
  });
  const theirs = Object.entries(limits.extensions ?? {}).map(([resource, limit]) => {
    const words = limit === null ? "its own" : limit < 0 ? "none" : String(limit);
    return { resource, used: "-", limit: words, from: limit === null ? "the plug-in" : "the default" };
  });
  return [...ours, ...theirs];
};

const print = (run: Run, quota: Quota): Promise<void> =>
  run.list([...linesOf(quota), ...extensionLines(quota)], columns, quota);

const printDefault = (run: Run, limits: QuotaLimits): Promise<void> =>
  run.list(defaultsOf(limits), columns.toSpliced(1, 1), limits);

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows the project's quota and what it uses.")
    .argument("[project]", "of which project; for operators (default: your own)")
    .option("--default", "what holds for projects without a limit of their own; for operators")
    .action((project: string | undefined, options: { default?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        if (options.default === true) {
          const { limits } = await (await run.adminSession()).quota.getDefault({}, run.call());
          await printDefault(run, limits);
        } else if (project === undefined) {
          await print(run, (await (await run.session()).quota.get({}, run.call())).quota);
        } else {
          await print(run, (await (await run.adminSession()).quota.show(project, {}, run.call())).quota);
        }
        return 0;
      }),
    );
}

/** `none` means no limit, `default` the default of all projects; commander cannot keep a null. */
type Given = number | "default";

const limitOf =
  (parse: (text: string) => number) =>
  (text: string): Given => {
    if (text === "none") return -1;
    return text === "default" ? text : parse(text);
  };

interface SetOptions extends Partial<Record<LimitedName | SummedName, Given>> {
  readonly default?: boolean;
  readonly instances?: Given;
  readonly vcpus?: Given;
  readonly memory?: Given;
  readonly imageBytes?: Given;
  readonly extension?: Readonly<Record<string, string>>;
}

/** `--server-groups <n>` and the like: one for each resource that has a limit. */
const limitOptions = [
  ...limitedResources.map((one) => ({
    ...{ many: one.many, flag: `--${one.noun}s`, parse: parseCount },
    words: `how many ${nounInWords(one)}s${one.limit.of === "user" ? ", for each user" : ""}`,
  })),
  ...summedLimits.map(({ name, resource }) => ({
    ...{ many: name, flag: `--${resource.noun}-gib`, parse: parseGibibytes },
    words: `how large all ${nounInWords(resource)}s are together, such as 500G; a bare number is GiB`,
  })),
];

function setCommand(invoke: Invoke): Command {
  const command = new Command("set")
    .description("Sets limits; for operators. What is not named stays, and nothing that runs is touched.")
    .argument("[project]", "of which project")
    .option("--default", "for projects without a limit of their own, instead of one project")
    .option(
      "--instances <n>",
      "how many instances; none: no limit; default: that of all",
      limitOf(parseCount),
    )
    .option("--vcpus <n>", "how many virtual CPUs, all in all", limitOf(parseCount))
    .option("--memory <size>", "how much memory, such as 64G; a bare number is MiB", limitOf(parseMebibytes));
  command.option(
    "--image-bytes <size>",
    "how much its images take, such as 200G; a bare number is bytes",
    limitOf(parseBytes),
  );
  command.option(
    "--extension <name=n>",
    "how many of a plug-in's resource, such as acme.windows=5; none and default as well; repeatable",
    parsePair,
  );
  for (const { flag, words, parse } of limitOptions) command.option(`${flag} <n>`, words, limitOf(parse));
  return command.action((project: string | undefined, options: SetOptions, command: Command) =>
    invoke(command, async (run) => {
      if ((project === undefined) !== (options.default === true))
        throw new CommandError("usage", "Whose limits?", "Name a project, or --default.");
      const session = await run.adminSession();
      const request = requestOf(options);
      if (project === undefined) {
        const { limits } = await session.quota.setDefault(request, run.call());
        await printDefault(run, limits);
      } else await print(run, (await session.quota.set(project, request, run.call())).quota);
      return 0;
    }),
  );
}

function requestOf({
  instances,
  vcpus,
  memory,
  imageBytes,
  extension,
  ...others
}: SetOptions): Partial<QuotaLimits> {
  const given = [
    ["instances", instances] as const,
    ["vcpus", vcpus] as const,
    ["memoryMib", memory] as const,
    ["imageBytes", imageBytes] as const,
    ...limitOptions.map(({ many }) => [many, others[many]] as const),
  ];
  const limits = given.flatMap(([resource, limit]) =>
    limit === undefined ? [] : [[resource, limit === "default" ? null : limit] as const],
  );
  return {
    ...Object.fromEntries(limits),
    ...(extension === undefined ? {} : { extensions: extensionLimits(extension) }),
  };
}

function extensionLimits(given: Readonly<Record<string, string>>): Record<string, number | null> {
  const all = Object.entries(given).map(([name, text]) => {
    const limit = limitOf(parseCount)(text);
    return [name, limit === "default" ? null : limit] as const;
  });
  return Object.fromEntries(all);
}
