/**
 * The commands of every resource: list, show, delete. What is peculiar to one, such as how it is made, is
 * added by the file of its noun.
 */
import { Command } from "commander";
import { type kept, nounInWords, type Resource, type ShownOf } from "../../protocol/wire/resource.ts";
import type { AnswerOf, Client, Service } from "../../protocol/wire/service.ts";
import { readPages } from "./pages.ts";
import { rowId } from "./resolve.ts";
import type { Invoke, Run } from "./run.ts";
import type { Session } from "./session.ts";
import type { Column, Fact } from "./table.ts";

type Kept<R extends Resource> = ReturnType<typeof kept<R>>;

export interface NounOptions<R extends Resource> {
  readonly resource: R;
  /** The word that is typed. */
  readonly command: string;
  readonly description: string;
  /** Its client in the SDK. */
  readonly client: (session: Session) => Client<Service<Kept<R>>>;
  readonly columns: readonly Column<ShownOf<R>>[];
  readonly facts: (shown: ShownOf<R>) => readonly Fact[];
}

export interface Noun<R extends Resource> {
  readonly command: Command;
  /** The API in the project of whoever makes such things. */
  session(run: Run): Promise<Session>;
  print(run: Run, answer: AnswerOf<Kept<R>["get"]>): Promise<void>;
}

export function nounCommand<R extends Resource>(invoke: Invoke, options: NounOptions<R>): Noun<R> {
  const { resource, client } = options;
  const words = nounInWords(resource);
  const session = (run: Run) => (resource.makes === "admin" ? run.adminSession() : run.session());
  const seeing = (run: Run) => (resource.sees === "admin" ? run.adminSession() : run.session());
  const print = async (run: Run, answer: AnswerOf<Kept<R>["get"]>): Promise<void> => {
    const shown = answer[resource.one as R["one"]] as ShownOf<R>;
    if (run.json) return run.emit(shown);
    const { renderFacts } = await import("./table.ts");
    run.print(renderFacts(options.facts(shown), run.paint, run.width));
  };
  const list = new Command("list")
    .description(`Lists ${words}s, oldest first.`)
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const api = client(await seeing(run));
        const { rows } = await readPages<ShownOf<R> & { readonly id: string }>(async (page) => {
          const { nextMarker, ...answer } = await api.list(page, run.call());
          const [found = []] = Object.values(answer) as (ShownOf<R> & { readonly id: string })[][];
          return { rows: found, nextMarker };
        });
        await run.list(rows, options.columns);
        return 0;
      }),
    );
  const show = new Command("show")
    .description(`Shows one ${words}.`)
    .argument(`<${options.command}>`, "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const api = client(await seeing(run));
        await print(run, await api.get(await rowId(run, api, { resource, key }), {}, run.call()));
        return 0;
      }),
    );
  const remove = new Command("delete")
    .description(`Removes one ${words} or more.`)
    .argument(`<${options.command}...>`, "their ids or names")
    .action((keys: readonly string[], _options: object, command: Command) =>
      invoke(command, async (run) => {
        const api = client(await session(run));
        for (const key of keys) {
          const answer = await api.delete(await rowId(run, api, { resource, key }), {}, run.call());
          if (run.json) await print(run, answer);
          else run.print(`${words} ${key} deleted`);
        }
        return 0;
      }),
    );
  const command = new Command(options.command).description(options.description);
  for (const one of [list, show, remove]) command.addCommand(one);
  return { command, session, print };
}
