/**
 * What every noun's `list` is made of: pages, order, columns, formats, names beside ids, and following. A
 * noun says what its rows are and how a page of them is read; nothing here knows a noun.
 */
import { Command } from "commander";
import { CommandError } from "../errors.ts";
import { parsePositive } from "../format.ts";
import { commandLine, withOption } from "../output/command-words.ts";
import { jsonOf } from "../output/values.ts";
import { type Page, readPages } from "../pages.ts";
import type { Invoke, Run } from "../run.ts";
import { chosenColumns, sorted, typedTitle } from "./columns.ts";
import { followList } from "./follow-list.ts";
import {
  type Asked,
  columnsFor,
  type Listed,
  type ListOptions,
  type Order,
  type ReadPage,
  type View,
} from "./listed.ts";
import { SeveralOption } from "./several-option.ts";
import { SortOption } from "./sort-option.ts";

export function listCommand<T extends object, O extends object = object>(
  invoke: Invoke,
  listed: Listed<T, O>,
): Command {
  const list = new Command(listed.name ?? "list").description(listed.description);
  listed.filters?.(list);
  addOptions(list, listed);
  return list.action((...given: unknown[]) => {
    const command = given.at(-1);
    if (!(command instanceof Command)) throw new TypeError("The command is always the last argument.");
    return invoke(command, async (run) => {
      const options = command.opts() as O & ListOptions & { readonly follow?: boolean };
      check(run, options);
      const session = await (listed.audience === "admin" ? run.adminSession() : run.session());
      const asked = { run, session, options, args: command.args };
      if (options.follow === true) {
        await listed.follow?.(asked);
        return 0;
      }
      const read = await listed.reader(asked);
      const page = () => rowsOf(read, listed, options);
      if (options.watch === true) await followList({ ...asked, listed, read: page });
      else await show(asked, listed, await page());
      return 0;
    });
  });
}

/** A view without any row: for the titles. */
const nobodysView: View = { nowMs: 0, everyProject: true, wide: true, nameOf: ({ id }) => id };

function addOptions<T extends object, O extends object>(list: Command, listed: Listed<T, O>): void {
  const { first, limit } = listed.defaults?.({}) ?? {};
  const titles = listed.columns(nobodysView).map(({ title }) => typedTitle(title));
  const otherwise = limit === undefined ? "" : ` (default: ${limit}), or all`;
  list
    .option("--limit <n>", `at most so many${otherwise}`, parseLimit)
    .option("--marker <id>", "those behind this one, which the page before has named");
  if (first !== undefined) {
    list.option("--newest", `the newest first${first === "newest" ? " (default)" : ""}`);
    list.option("--oldest", `the oldest first${first === "oldest" ? " (default)" : ""}`);
  }
  const columns = new SeveralOption("--columns <columns>", "only these columns, in this order", titles);
  list.addOption(new SortOption(titles)).addOption(columns);
  if (listed.follows !== undefined) list.option("--watch", "go on: print what changes, until Ctrl-C");
}

const parseLimit = (text: string): number | "all" => (text === "all" ? text : parsePositive(text));

function check(run: Run, { oldest, newest, columns, watch, marker }: ListOptions): void {
  const contradict = (one: string, other: string): CommandError =>
    new CommandError("usage", `The options ${one} and ${other} contradict each other.`, "Give one of them.");
  if (oldest === true && newest === true) throw contradict("--oldest", "--newest");
  if (watch === true && marker !== undefined) throw contradict("--watch", "--marker");
  if (columns !== undefined && run.json)
    throw new CommandError(
      "usage",
      "The option --columns is for tables.",
      "Pick fields: -o jsonpath='{range .items[*]}{.id} {.name}{\"\\n\"}{end}'.",
    );
}

/**
 * The order to ask for. Without one a list begins with the oldest, whatever the version of the controller.
 */
function orderOf(first: Order | undefined, { oldest, newest }: ListOptions): { readonly order?: Order } {
  const wanted = oldest === true ? "oldest" : newest === true ? "newest" : first;
  return wanted === "newest" ? { order: wanted } : {};
}

function rowsOf<T extends object, O extends object>(
  read: ReadPage<T>,
  listed: Listed<T, O>,
  options: O & ListOptions,
): Promise<Page<T>> {
  const defaults = listed.defaults?.(options) ?? {};
  const { limit = defaults.limit ?? "all", marker } = options;
  return readPages((page) => read({ ...page, ...orderOf(defaults.first, options) }), {
    ...(limit === "all" ? {} : { limit }),
    ...(marker === undefined ? {} : { marker }),
  });
}

async function show<T extends object, O extends object>(
  asked: Asked<O & ListOptions>,
  listed: Listed<T, O>,
  { rows, nextMarker }: Page<T>,
): Promise<void> {
  const { run, options } = asked;
  const { sort } = options;
  const columns = run.json && sort === undefined ? [] : await columnsFor(asked, listed, { rows });
  const ordered = sort === undefined ? rows : sorted(rows, columns, sort);
  if (run.bare) run.emit(ordered);
  else if (run.json) run.emit({ items: ordered, ...(nextMarker === undefined ? {} : { nextMarker }) });
  else if (rows.length === 0) run.remark(listed.none ?? "There are none.");
  else {
    const { renderTable } = await import("../table.ts");
    const chosen = chosenColumns(columns, options.columns, run.output.kind === "wide");
    run.print(renderTable(chosen, ordered, run.tableOptions));
  }
  if (nextMarker !== undefined) tellNext(run, nextMarker, rows.length);
}

/** Says how to go on, where the answer itself does not have the marker. */
function tellNext(run: Run, nextMarker: string, count: number): void {
  const words = withOption(run.argv, "--marker", nextMarker);
  const next = `${run.terminal.command} ${commandLine(words)}`;
  const text = `There may be more than these ${count}. Next page: ${next}`;
  if (run.bare) run.terminal.err.write(`${jsonOf({ nextMarker, next })}\n`);
  else if (!["json", "yaml", "jsonpath"].includes(run.output.kind)) run.terminal.err.write(`${text}\n`);
}
