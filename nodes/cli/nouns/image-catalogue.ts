/** novact image catalogue: the images that can be had, and are not in the cluster. */
import { Command } from "commander";
import { bytes } from "../format.ts";
import type { Invoke } from "../run.ts";
import type { Column } from "../table.ts";

/** As it is printed as a value. */
interface Shown {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly format: string;
  readonly sizeBytes: number | null;
  readonly login: string | null;
  readonly source: string;
  readonly aliases: readonly string[];
  readonly url: string | null;
  readonly checksum: { readonly algorithm: string; readonly digest: string } | null;
}

const columns: readonly Column<Shown>[] = [
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "VERSION", value: ({ version }) => version, spare: true },
  { title: "ARCHITECTURE", value: ({ architecture }) => architecture },
  { title: "FORMAT", value: ({ format }) => format },
  {
    title: "SIZE",
    value: ({ sizeBytes }) => (sizeBytes === null ? "-" : bytes(sizeBytes)),
    order: ({ sizeBytes }) => sizeBytes ?? 0,
  },
  { title: "SOURCE", value: ({ source, url }) => (url === null ? "built here" : source), cut: true },
  { title: "ALSO", value: ({ aliases }) => aliases.join(", ") || "-", cut: true, spare: true },
];

export function catalogueCommand(invoke: Invoke): Command {
  return new Command("catalogue")
    .description(
      "Lists what novact launch can bring: images of sources in cluster.yaml, and what is built here.",
    )
    .argument("[word]", "only those whose name, version or other names have it in them")
    .action((word: string | undefined, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const [{ readCatalogue }, { builtEntry }, { cataloguePlace }] = await Promise.all([
          import("../../catalogue/read.ts"),
          import("../../catalogue/built.ts"),
          import("../../catalogue/place.ts"),
        ]);
        const { sources } = cataloguePlace(run.config, run.terminal.env);
        const { entries, faults } = await readCatalogue(sources, run.terminal.signal);
        for (const { source, error } of faults)
          run.remark(`The source ${source} is left out: ${error.message}`);
        await run.list(withWord([builtEntry, ...entries], word), columns);
        return 0;
      }),
    );
}

/** Entries with the word in a name, a version or an alias. */
const withWord = <E extends Pick<Shown, "name" | "version" | "aliases">>(
  entries: readonly E[],
  word: string | undefined,
): readonly E[] =>
  word === undefined
    ? entries
    : entries.filter(({ name, version, aliases }) =>
        [name, version, ...aliases].some((one) => one.toLowerCase().includes(word.toLowerCase())),
      );
