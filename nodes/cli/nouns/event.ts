/** novact event …, novact instance events: events of the past, and events as they happen. */
import { Command } from "commander";
import { type Event, eventNames } from "../../../protocol/event.ts";
import { type Moment, momentMs, parseCount, parseMoment, time } from "../format.ts";
import { commandLimits } from "../limits.ts";
import { chosenColumns } from "../lists/columns.ts";
import { listCommand } from "../lists/list-command.ts";
import {
  type Asked,
  columnsFor,
  type Listed,
  type ListOptions,
  type ReadPage,
  type View,
} from "../lists/listed.ts";
import { Names, shortId } from "../lists/names.ts";
import { SeveralOption } from "../lists/several-option.ts";
import { StreamTable } from "../lists/stream-table.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke } from "../run.ts";
import type { Column } from "../table.ts";

/** The events to show: of the project, of some nouns, or of one thing. */
interface Scope {
  readonly nouns?: string[];
  readonly id?: string;
  readonly events?: string[];
  readonly sinceMs?: number;
}

interface EventOptions {
  readonly noun?: readonly string[];
  readonly id?: string;
  readonly event?: readonly string[];
  readonly since?: Moment;
  readonly after?: number;
}

export function eventCommand(invoke: Invoke): Command {
  const noun = new Command("event").description("What happened, in order, without gaps.");
  noun.addCommand(listCommand(invoke, eventList));
  noun.addCommand(watchCommand(invoke));
  return noun;
}

const nouns = Object.keys(eventNames);
const allNames = [...new Set(Object.values(eventNames).flat())];

const scoped = (command: Command): Command =>
  command
    .addOption(new SeveralOption("--noun <nouns>", "only of these kinds", nouns))
    .option("--id <id>", "only of the thing with this id")
    .addOption(new SeveralOption("--event <events>", "only these", allNames));

const scopeOf = ({ run, options }: Asked<EventOptions>): Scope => {
  const { noun, id, event, since } = options;
  return {
    ...(noun === undefined ? {} : { nouns: [...noun] }),
    ...(id === undefined ? {} : { id }),
    ...(event === undefined ? {} : { events: [...event] }),
    ...(since === undefined ? {} : { sinceMs: momentMs(since, run.terminal.nowMs()) }),
  };
};

/** Reads a page of events; its marker is a sequence number. */
const readEvents =
  ({ run, session }: Asked<EventOptions>, scope: Scope, from: number | undefined): ReadPage<Event> =>
  async ({ order, limit: asked, marker }) => {
    const limit = Math.min(asked, commandLimits.eventPageLength);
    if (order === "newest") {
      const position = marker === undefined ? {} : { before: parseCount(marker) };
      const after = from === undefined ? {} : { after: from };
      const request = { ...scope, order, limit, ...after, ...position };
      const { events, nextBefore } = await session.event.list(request, run.call());
      return { rows: events, nextMarker: nextBefore === undefined ? undefined : String(nextBefore) };
    }
    const after = marker === undefined ? (from ?? 0) : parseCount(marker);
    const { events, last } = await session.event.list({ ...scope, limit, after }, run.call());
    return { rows: events, nextMarker: last > after ? String(last) : undefined };
  };

const rowsOfEvents = {
  keyOf: ({ sequence }: Event) => String(sequence),
  named: ({ noun, id }: Event) => [{ noun, id }],
  said: ({ noun, id, body }: Event) =>
    typeof body.name === "string" ? { noun, id, name: body.name } : undefined,
};

const eventList: Listed<Event, EventOptions> = {
  ...rowsOfEvents,
  description: "Lists the newest events, or those after a sequence number.",
  filters: (list) =>
    scoped(list)
      .option("--since <time>", "only since then: 30m, 2d, 2026-11-29", parseMoment)
      .option(
        "--after <sequence>",
        "those after this number, oldest first; 0 for all that are kept",
        parseCount,
      ),
  defaults: ({ after }) =>
    after === undefined ? { first: "newest", limit: commandLimits.newestRows } : { first: "oldest" },
  reader: (asked) => readEvents(asked, scopeOf(asked), asked.options.after),
  columns: (view) => eventColumns(view, false),
  none: "There are none that this project may see.",
};

function watchCommand(invoke: Invoke): Command {
  return scoped(new Command("watch"))
    .description("Prints events as they happen, until Ctrl-C.")
    .option(
      "--after <sequence>",
      "first those after this number; so nothing is missed after a break",
      parseCount,
    )
    .action((options: EventOptions, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        await watch({ run, session, options, args: [] }, { list: eventList, after: options.after });
        return 0;
      }),
    );
}

interface FollowOptions extends EventOptions {
  readonly follow?: boolean;
}

/** The events of one instance tell its life, and are read from its beginning. */
const lifeOfInstance: Listed<Event, FollowOptions> = {
  ...rowsOfEvents,
  name: "events",
  description: "Lists what happened to an instance.",
  filters: (list) =>
    list
      .argument("<instance>", "its id or name")
      .option("--since <time>", "only since then: 30m, 2d, 2026-11-29", parseMoment)
      .option("--follow", "go on as it happens, until Ctrl-C"),
  defaults: () => ({ first: "oldest" }),
  reader: async (asked) => readEvents(asked, { ...scopeOf(asked), ...(await instanceOf(asked)) }, undefined),
  columns: (view) => eventColumns(view, true),
  follow: async (asked) => {
    const { nouns: _, ...id } = await instanceOf(asked);
    await watch(
      { ...asked, options: { ...asked.options, ...id, noun: ["instance"] } },
      { list: lifeOfInstance, after: 0 },
    );
  },
};

const instanceOf = async ({
  run,
  session,
  args,
}: Asked<FollowOptions>): Promise<Scope & { readonly id: string }> => ({
  nouns: ["instance"],
  id: await instanceId(run, session, args[0] ?? ""),
});

export const instanceEventsCommand = (invoke: Invoke): Command => listCommand(invoke, lifeOfInstance);

/** Width of the longest name of an event: in `watch` it is not known which will come. */
const eventWidth = Math.max(
  ...Object.entries(eventNames).flatMap(([noun, names]) =>
    names.map((name) => noun.length + 1 + name.length),
  ),
);
const sequenceWidth = 8;
const nameWidth = 16;
/** Of the end of a UUID. */
const idWidth = 13;

/** The columns; without the thing where all events are of one. */
const eventColumns = ({ nameOf, wide, everyProject }: View, one: boolean): readonly Column<Event>[] => [
  {
    title: "SEQUENCE",
    value: ({ sequence }) => String(sequence),
    order: ({ sequence }) => sequence,
    least: sequenceWidth,
  },
  { title: "TIME", value: ({ atMs }) => time(atMs) },
  { title: "EVENT", value: ({ noun, event }) => `${noun}.${event}`, least: eventWidth },
  ...(one
    ? []
    : [
        ...(everyProject ? [{ title: "PROJECT", value: ({ project }: Event) => project, wide: true }] : []),
        { title: "NAME", value: ({ noun, id }: Event) => nameOf({ noun, id }), cut: true, least: nameWidth },
        { title: "ID", value: ({ id }: Event) => (wide ? id : shortId(id)), spare: true, least: idWidth },
      ]),
  { title: "WHAT", value: ({ body }) => summary(body, one), cut: true },
  { title: "REQUEST", value: ({ requestId }) => requestId ?? "-", wide: true },
];

/** Fields of the body that are shown in another column, or are not for people. */
const unsaid: ReadonlySet<string> = new Set(["changed", "hostId", "command", "kind", "state"]);

/** The event's main field first, then the other plain values of its body. */
function summary(body: Event["body"], withName: boolean): string {
  if (typeof body.from === "string" && typeof body.to === "string") return `${body.from} → ${body.to}`;
  const first = [body.command, body.kind, body.state].filter((value) => typeof value === "string");
  const rest = Object.entries(body).flatMap(([key, value]) => {
    if (unsaid.has(key) || (key === "name" && !withName)) return [];
    if (["string", "number", "boolean"].includes(typeof value)) return [`${key} ${String(value)}`];
    return isMessage(value) ? [value.message] : [];
  });
  const unchanged = body.changed === false ? ["nothing to change"] : [];
  return [first.join(" "), ...unchanged, ...rest].filter((part) => part !== "").join(", ");
}

const isMessage = (value: unknown): value is { readonly message: string } =>
  typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";

/** Prints events for ever, across interruptions, as they are listed. */
async function watch(
  asked: Asked<EventOptions & ListOptions>,
  { list, after }: { readonly list: Listed<Event, EventOptions>; readonly after: number | undefined },
): Promise<void> {
  const { run, session, options } = asked;
  const { id, noun, event: wanted } = options;
  const names = new Names(run, session);
  const scope = {
    ...(id === undefined ? {} : { id }),
    ...(noun?.length === 1 ? { noun: noun[0] ?? "" } : {}),
  };
  let table: StreamTable<Event> | undefined;
  const from = after === undefined ? {} : { after };
  for await (const event of session.watch({ ...scope, ...from, signal: run.terminal.signal })) {
    if (noun?.includes(event.noun) === false || wanted?.includes(event.event) === false) continue;
    if (run.json) {
      run.emit(event);
      continue;
    }
    const all = await columnsFor(asked, list, { rows: [event], names });
    const columns = chosenColumns(all, options.columns, run.output.kind === "wide");
    table ??= new StreamTable(columns, run.tableOptions);
    for (const line of table.lines([event], columns)) run.print(line);
  }
}
