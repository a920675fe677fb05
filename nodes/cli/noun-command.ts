/**
 * The commands of every resource: list, show, delete. What is peculiar to one, such as how it is made, is
 * added by the file of its noun.
 */
import { Command } from "commander";
import { type kept, nounInWords, type Resource, type ShownOf } from "../../protocol/wire/resource.ts";
import type { AnswerOf, CallOptions, Client, Service } from "../../protocol/wire/service.ts";
import { listCommand } from "./lists/list-command.ts";
import type { Listed } from "./lists/listed.ts";
import { rowId } from "./resolve.ts";
import type { Invoke, Run } from "./run.ts";
import type { Session } from "./session.ts";
import { deleteCommand, type Removal } from "./several/delete-command.ts";
import type { Column, Fact } from "./table.ts";

/** What every row of a resource has. */
interface Called {
  readonly id: string;
  readonly name: string;
}

type Kept<R extends Resource> = ReturnType<typeof kept<R>>;

type OwnClient<R extends Resource> = Client<Service<Kept<R>>>;
/** The methods that every resource has; what else one's list can be asked for is left out. */
type KeptClient<R extends Resource> = Pick<OwnClient<R>, "get" | "delete"> & {
  list(
    page: { readonly limit?: number; readonly marker?: string; readonly name?: string },
    options?: CallOptions,
  ): ReturnType<OwnClient<R>["list"]>;
};

export interface NounOptions<R extends Resource> {
  readonly resource: R;
  /** The word that is typed. */
  readonly command: string;
  readonly description: string;
  /** Its client in the SDK. */
  readonly client: (session: Session) => KeptClient<R>;
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
  const list: Listed<ShownOf<R> & { readonly id: string }> = {
    description: `Lists ${words}s, oldest first.`,
    audience: resource.sees === "admin" ? "admin" : "project",
    keyOf: ({ id }) => id,
    reader: (asked) => async (page) => {
      const { nextMarker, ...answer } = await client(asked.session).list(page, asked.run.call());
      const [found = []] = Object.values(answer) as (ShownOf<R> & { readonly id: string })[][];
      return { rows: found, nextMarker };
    },
    columns: () => options.columns,
    follows: [resource.noun],
  };
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
  const one = (answer: AnswerOf<Kept<R>["get"]>) => answer[resource.one as R["one"]] as ShownOf<R> & Called;
  const remove: Removal = {
    noun: options.command,
    description: `Removes one ${words} or more.`,
    audience: resource.makes === "admin" ? "admin" : "project",
    find: async (api, key, run) =>
      one(await client(api).get(await rowId(run, client(api), { resource, key }), {}, run.call())),
    remove: async (api, key, run) =>
      one(await client(api).delete(await rowId(run, client(api), { resource, key }), {}, run.call())),
  };
  const command = new Command(options.command).description(options.description);
  command.addCommand(listCommand(invoke, list)).addCommand(show).addCommand(deleteCommand(invoke, remove));
  return { command, session, print };
}
