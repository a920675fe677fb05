/**
 * `list --watch`: reads the list again when an event says that it may have changed, and every few seconds,
 * and shows the difference: on a terminal the whole table in place, elsewhere each row that is new,
 * changed or gone. An interruption of the cluster is waited out. It leaves nothing to clean up on a
 * terminal: no mode is set beyond one write.
 */
import { setTimeout as pause } from "node:timers/promises";
import { CommandError } from "../errors.ts";
import { commandLimits } from "../limits.ts";
import type { Page } from "../pages.ts";
import type { Column } from "../table.ts";
import { plain } from "../terminal.ts";
import { chosenColumns, sorted } from "./columns.ts";
import { type Asked, columnsFor, type Listed, type ListOptions } from "./listed.ts";
import { Names } from "./names.ts";
import { StreamTable } from "./stream-table.ts";

export interface Followed<T extends object, O extends object> extends Asked<O & ListOptions> {
  readonly listed: Listed<T, O>;
  readonly read: () => Promise<Page<T>>;
}

/** Follows until Ctrl-C. @throws CommandError when the list is too long to be read again and again */
export async function followList<T extends object, O extends object>(
  followed: Followed<T, O>,
): Promise<void> {
  const { run, session, listed } = followed;
  const names = new Names(run, session);
  const news = new News(followed);
  await news.begin();
  const show = run.json || run.terminal.out.isTTY !== true ? rowByRow(followed) : inPlace(followed);
  for (;;) {
    const startedMs = performance.now();
    const page = await unlessAway(followed.read);
    if (page !== undefined) {
      if (page.rows.length > commandLimits.watchedRowsMax) throw tooMany();
      const columns = await columnsFor(followed, listed, { rows: page.rows, names });
      await show(page, columns);
    }
    const tookMs = performance.now() - startedMs;
    const leastMs = Math.max(commandLimits.watchPauseMsMin, tookMs * commandLimits.watchPausePerReading);
    await pause(leastMs, undefined, { signal: run.terminal.signal });
    await news.wait();
  }
}

const tooMany = (): CommandError =>
  new CommandError(
    "usage",
    `Lists of more than ${commandLimits.watchedRowsMax} are not followed.`,
    "Choose fewer: by a filter, or --limit.",
  );

/** Undefined while the cluster cannot be reached. */
async function unlessAway<A>(call: () => Promise<A>): Promise<A | undefined> {
  try {
    return await call();
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code === "UNAVAILABLE" || code === "DEADLINE_EXCEEDED") return undefined;
    throw thrown;
  }
}

const isTrimmed = (thrown: unknown): boolean =>
  thrown instanceof Error && "reason" in thrown && thrown.reason === "eventsTrimmed";

/** Whether something has happened that may concern the list. */
class News<T extends object, O extends object> {
  readonly #followed: Followed<T, O>;
  #wake: (() => void) | undefined;
  #came = false;
  /** Rejected when events cannot be watched any more, so that nobody waits for them in vain. */
  #watching: Promise<void> = new Promise(() => undefined);

  constructor(followed: Followed<T, O>) {
    this.#followed = followed;
  }

  /** Begins before the list is read for the first time, so that nothing happens unheard in between. */
  async begin(): Promise<void> {
    const { run, session, listed } = this.#followed;
    const nouns = listed.follows ?? [];
    if (nouns.length === 0) return;
    const { last } = await session.event.list({ limit: 1 }, run.call());
    this.#watching = this.#hear(nouns, last);
    // It is awaited only now and then: between two times nobody would hear that it was rejected.
    this.#watching.catch(() => this.#tell());
  }

  async #hear(nouns: readonly string[], from: number): Promise<void> {
    const { run, session } = this.#followed;
    const { signal } = run.terminal;
    for (let after: number | undefined = from; ; after = undefined) {
      try {
        const position = after === undefined ? {} : { after };
        for await (const { noun } of session.watch({ ...position, signal }))
          if (nouns.includes(noun)) this.#tell();
      } catch (thrown) {
        // After a long interruption: the list is read again anyway, so it goes on from now.
        if (!isTrimmed(thrown)) throw thrown;
        this.#tell();
      }
    }
  }

  #tell(): void {
    this.#came = true;
    this.#wake?.();
  }

  /** Waits for news, and no longer than for the period in which the list is read anyway. */
  async wait(): Promise<void> {
    const { signal } = this.#followed.run.terminal;
    if (!this.#came) {
      const heard = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const over = new AbortController();
      const period = pause(commandLimits.watchPeriodMs, undefined, {
        signal: AbortSignal.any([signal, over.signal]),
      });
      try {
        await Promise.race([heard, period, this.#watching]);
      } finally {
        over.abort();
        await Promise.allSettled([period]);
      }
    }
    signal.throwIfAborted();
    this.#came = false;
  }
}

type Show<T> = (page: Page<T>, columns: readonly Column<T>[]) => void | Promise<void>;

/** What a row shows, but for what passes with time. */
const lookOf = <T>(columns: readonly Column<T>[], row: T): string =>
  JSON.stringify(columns.filter(({ passing }) => passing !== true).map(({ value }) => value(row)));

interface Change<T> {
  readonly change: "listed" | "added" | "changed" | "gone";
  readonly item: T;
}

/** Prints each row that is new, changed or gone. */
function rowByRow<T extends object, O extends object>({ run, listed, options }: Followed<T, O>): Show<T> {
  let known: ReadonlyMap<string, { readonly row: T; readonly look: string }> | undefined;
  let table: StreamTable<Change<T>> | undefined;
  return ({ rows, nextMarker }, columns) => {
    const present = new Map(rows.map((row) => [listed.keyOf(row), { row, look: lookOf(columns, row) }]));
    const changes: Change<T>[] = [...present].flatMap(([key, { row, look }]): Change<T>[] => {
      const before = known?.get(key);
      if (before === undefined) return [{ change: known === undefined ? "listed" : "added", item: row }];
      return before.look === look ? [] : [{ change: "changed", item: row }];
    });
    // Of a list that was cut, a row that is missing may only have moved behind its end.
    if (nextMarker === undefined)
      for (const [key, { row }] of known ?? [])
        if (!present.has(key)) changes.push({ change: "gone", item: row });
    known = present;
    if (run.json) {
      for (const change of changes) run.emit(change);
      return;
    }
    const chosen = chosenColumns(columns, options.columns, run.output.kind === "wide");
    const all = [changeColumn<T>(), ...chosen.map(ofItem)];
    table ??= new StreamTable(all, run.tableOptions);
    for (const line of table.lines(changes, all)) run.print(line);
  };
}

const changeColumn = <T>(): Column<Change<T>> => ({
  title: "CHANGE",
  value: ({ change }) => change,
  least: 7,
});

const ofItem = <T>({ title, value, style, cut, spare, least }: Column<T>): Column<Change<T>> => ({
  title,
  value: ({ item }) => value(item),
  ...(style === undefined ? {} : { style: ({ item }) => style(item) }),
  ...(cut === undefined ? {} : { cut }),
  ...(spare === undefined ? {} : { spare }),
  ...(least === undefined ? {} : { least }),
});

/** Lines that a terminal keeps free: for the line below the table, and the cursor. */
const linesKept = 3;
const linesOtherwise = 24;

/**
 * Draws the table over the one before; after a change of the window below it, since its lines lie
 * elsewhere now.
 */
function inPlace<T extends object, O extends object>({ run, listed, options }: Followed<T, O>): Show<T> {
  const { out } = run.terminal;
  let drawn = { lines: 0, columns: out.columns, rows: out.rows };
  return async ({ rows, nextMarker }, columns) => {
    const { renderTable } = await import("../table.ts");
    const ordered = options.sort === undefined ? rows : sorted(rows, columns, options.sort);
    const chosen = chosenColumns(columns, options.columns, run.output.kind === "wide");
    const room = Math.max(1, (out.rows ?? linesOtherwise) - linesKept);
    const table =
      rows.length === 0
        ? plain(listed.none ?? "There are none.")
        : renderTable(chosen, ordered, run.tableOptions);
    const lines = table.split("\n").slice(0, room);
    const more = nextMarker === undefined ? "" : " and more";
    const hidden = Math.max(0, rows.length + 1 - room);
    const unseen = hidden === 0 || rows.length === 0 ? "" : `, ${hidden} of them below`;
    lines.push(run.paint("dim", `rows: ${rows.length}${more}${unseen}; Ctrl-C ends`));
    const same = drawn.columns === out.columns && drawn.rows === out.rows;
    const back = same && drawn.lines > 0 ? `\x1b[${drawn.lines}A\r\x1b[J` : "";
    // Without line breaks at the margin, for this write alone: else the lines could not be counted.
    out.write(`\x1b[?7l${back}${lines.join("\n")}\n\x1b[?7h`);
    drawn = { lines: lines.length, columns: out.columns, rows: out.rows };
  };
}
