/**
 * What a noun says of its list, and what a list was asked for; and the columns of some rows, with their
 * names.
 */
import type { Command } from "commander";
import type { Page, PageAsked } from "../pages.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column } from "../table.ts";
import { Names, type Thing } from "./names.ts";
import type { Sorting } from "./sort-option.ts";

export type Order = "oldest" | "newest";

/** What a list was asked for. */
export interface Asked<O> {
  readonly run: Run;
  readonly session: Session;
  readonly options: O;
  /** The command's arguments. */
  readonly args: readonly string[];
}

export type ReadPage<T> = (page: PageAsked & { readonly order?: Order }) => Promise<Page<T>>;

/** What columns may look at, besides the row. */
export interface View {
  readonly nowMs: number;
  /** Rows of several projects are listed. */
  readonly everyProject: boolean;
  /** With `-o wide`. */
  readonly wide: boolean;
  /** The name of what a row has only the id of, else the end of the id. */
  readonly nameOf: (thing: Thing) => string;
}

/** A noun's list. `T`: its rows; `O`: the options that are the noun's own. */
export interface Listed<T extends object, O extends object = object> {
  /** Absent: `list`. */
  readonly name?: string;
  readonly description: string;
  /** Whose rows: the project's, or those of the project admin. Absent: the project's. */
  readonly audience?: "project" | "admin";
  /** Adds the noun's own options and arguments. */
  readonly filters?: (list: Command) => Command;
  /** Understands the options once, and answers how to read a page. */
  readonly reader: (asked: Asked<O>) => ReadPage<T> | Promise<ReadPage<T>>;
  readonly columns: (view: View) => readonly Column<T>[];
  /** What tells a row from all others. */
  readonly keyOf: (row: T) => string;
  /** Things whose names the columns show, by `nameOf`. */
  readonly named?: (row: T) => readonly Thing[];
  /** Names that rows say anyway: nobody needs to look them up. */
  readonly said?: (row: T) => (Thing & { readonly name: string }) | undefined;
  /**
   * What holds when the command line does not say it. `first`: the end at which the list begins; absent:
   * it has one order. `limit`: how many rows; absent: all.
   */
  readonly defaults?: (options: Partial<O>) => { readonly first?: Order; readonly limit?: number };
  /**
   * Nouns whose events say that rows may have changed; without any the list is read again and again.
   * Absent: the list cannot be watched.
   */
  readonly follows?: readonly string[];
  /** What the noun's own option `--follow` does. */
  readonly follow?: (asked: Asked<O>) => Promise<void>;
  /** What is said of an empty list. */
  readonly none?: string;
}

export interface ListOptions {
  readonly limit?: number | "all";
  readonly marker?: string;
  readonly oldest?: boolean;
  readonly newest?: boolean;
  readonly sort?: Sorting;
  readonly columns?: readonly string[];
  readonly watch?: boolean;
}

/** The columns for some rows, with the names that they show. */
export async function columnsFor<T extends object>(
  { run, session }: Pick<Asked<object>, "run" | "session">,
  listed: Pick<Listed<T>, "columns" | "named" | "said">,
  { rows, names = new Names(run, session) }: { readonly rows: readonly T[]; readonly names?: Names },
): Promise<readonly Column<T>[]> {
  const { named, said } = listed;
  for (const row of said === undefined ? [] : rows) {
    const one = said?.(row);
    if (one !== undefined) names.learn(one, one.name);
  }
  if (named !== undefined) await names.lookUp(rows.flatMap(named));
  return listed.columns({
    nowMs: run.terminal.nowMs(),
    everyProject: session.project === "admin",
    wide: run.output.kind === "wide",
    nameOf: (thing) => names.shown(thing),
  });
}
