/** The options for what an image needs, the same wherever one is made or changed. */
import { type Command, Option } from "commander";
import { architectures } from "../../../protocol/kinds.ts";
import { parseGibibytes, parseMebibytes, parsePair } from "../format.ts";

export interface PropertyOptions {
  readonly architecture?: (typeof architectures)[number];
  readonly memoryMin?: number;
  readonly diskMin?: number;
  readonly hypervisor?: string;
  readonly property?: Record<string, string>;
}

export const withProperties = (command: Command): Command =>
  command
    .addOption(new Option("--architecture <name>", "what it runs on").choices(architectures))
    .option(
      "--memory-min <size>",
      "what it needs at least, such as 256M; a bare number is MiB",
      parseMebibytes,
    )
    .option("--disk-min <size>", "what it needs at least, such as 2G; a bare number is GiB", parseGibibytes)
    .option("--hypervisor <name>", "the only hypervisor that it runs under")
    .option(
      "--property <key=value>",
      "in Nova's names, such as trait:HW_CPU_X86_AVX2=required; repeatable",
      parsePair,
    );

export function propertiesOf({ architecture, memoryMin, diskMin, hypervisor, property }: PropertyOptions) {
  const properties = {
    ...(architecture === undefined ? {} : { architecture }),
    ...(memoryMin === undefined ? {} : { memoryMibMin: memoryMin }),
    ...(diskMin === undefined ? {} : { diskGibMin: diskMin }),
    ...(hypervisor === undefined ? {} : { hypervisor }),
    ...(property === undefined ? {} : { extra: property }),
  };
  return Object.keys(properties).length === 0 ? {} : { properties };
}
