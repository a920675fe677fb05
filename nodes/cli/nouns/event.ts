/** novact event …, novact instance events: events of the past, and events as they happen. */
import { Command } from "commander";
import type { Event } from "../../../protocol/event.ts";
import { parseCount, parsePositive, time } from "../format.ts";
import { commandLimits } from "../limits.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column } from "../table.ts";
import { plain } from "../terminal.ts";

/** The events to show: of the project, of a noun, or of one thing. */
interface Scope {
  readonly noun?: string;
  readonly id?: string;
}

export function eventCommand(invoke: Invoke): Command {
  const noun = new Command("event").description("What happened, in order, without gaps.");
  noun.addCommand(listCommand(invoke));
  noun.addCommand(watchCommand(invoke));
  return noun;
}

function scoped(command: Command): Command {
  return command
    .option("--noun <noun>", "only of this kind: instance, host, flavor, image")
    .option("--id <id>", "only of the thing with this id");
}

function listCommand(invoke: Invoke): Command {
  return scoped(new Command("list"))
    .description("Lists the newest events, or those after a sequence number.")
    .option(
      "--after <sequence>",
      "those after this number, oldest first; 0 for all that are kept",
      parseCount,
    )
    .option("--limit <n>", "at most so many (default: 50 newest, or all after --after)", parsePositive)
    .action((options: Scope & { after?: number; limit?: number }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { after, limit } = options;
        const source = { run, session, scope: scopeOf(options) };
        const events =
          after === undefined
            ? await newest(source, limit ?? newestDefault)
            : await following(source, after, limit);
        await run.list(events, eventColumns(options.id !== undefined));
        return 0;
      }),
    );
}

const newestDefault = 50;

function watchCommand(invoke: Invoke): Command {
  return scoped(new Command("watch"))
    .description("Prints events as they happen, until Ctrl-C.")
    .option(
      "--after <sequence>",
      "first those after this number; so nothing is missed after a break",
      parseCount,
    )
    .action((options: Scope & { after?: number }, command: Command) =>
      invoke(command, async (run) => {
        await watch({ run, session: await run.session(), scope: scopeOf(options) }, options.after);
        return 0;
      }),
    );
}

export function instanceEventsCommand(invoke: Invoke): Command {
  return new Command("events")
    .description("Lists what happened to an instance.")
    .argument("<instance>", "its id or name")
    .option("--follow", "go on as it happens, until Ctrl-C")
    .action((key: string, options: { follow?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const source = { run, session, scope: { noun: "instance", id: await instanceId(run, session, key) } };
        if (options.follow === true) await watch(source, 0);
        else await run.list(await following(source, 0), eventColumns(true));
        return 0;
      }),
    );
}

const scopeOf = ({ noun, id }: Scope): Scope => ({
  ...(noun === undefined ? {} : { noun }),
  ...(id === undefined ? {} : { id }),
});

const idColumn: Column<Event> = { title: "ID", value: ({ id }) => id, spare: true };

/** The columns; without the id when all events are of one thing. */
const eventColumns = (one: boolean): readonly Column<Event>[] => [
  { title: "SEQUENCE", value: ({ sequence }) => String(sequence) },
  { title: "TIME", value: ({ atMs }) => time(atMs) },
  { title: "EVENT", value: ({ noun, event }) => `${noun}.${event}` },
  ...(one ? [] : [idColumn]),
  { title: "WHAT", value: ({ body }) => summary(body), cut: true },
];

/** Fields of the body that are shown in another column, or are not for people. */
const unsaid: ReadonlySet<string> = new Set(["changed", "hostId", "command", "kind", "state"]);

/** The event's main field first, then the other plain values of its body. */
function summary(body: Event["body"]): string {
  if (typeof body.from === "string" && typeof body.to === "string") return `${body.from} → ${body.to}`;
  const first = [body.command, body.kind, body.state].filter((value) => typeof value === "string");
  const rest = Object.entries(body).flatMap(([key, value]) => {
    if (unsaid.has(key)) return [];
    if (["string", "number", "boolean"].includes(typeof value)) return [`${key} ${String(value)}`];
    return isMessage(value) ? [value.message] : [];
  });
  const unchanged = body.changed === false ? ["nothing to change"] : [];
  return [first.join(" "), ...unchanged, ...rest].filter((part) => part !== "").join(", ");
}

const isMessage = (value: unknown): value is { readonly message: string } =>
  typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";

interface Source {
  readonly run: Run;
  readonly session: Session;
  readonly scope: Scope;
}

async function following(
  { run, session, scope }: Source,
  after: number,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Event[]> {
  const all: Event[] = [];
  for (let position = after; all.length < limit; ) {
    const length = Math.min(commandLimits.eventPageLength, limit - all.length);
    const page = await session.event.list({ ...scope, after: position, limit: length }, run.call());
    all.push(...page.events);
    if (page.last <= position) break;
    position = page.last;
  }
  return all;
}

/**
 * The newest events of the scope. Sequence numbers count the whole cell (the deployment), so it looks back
 * further and further until it has enough events of the scope.
 */
async function newest(source: Source, count: number): Promise<readonly Event[]> {
  const { last, trimmed } = await source.session.event.list({ ...source.scope, limit: 1 }, source.run.call());
  for (let back = Math.max(count, 1); ; back *= 8) {
    const after = Math.max(trimmed, last - back, 0);
    const found = await following(source, after);
    if (found.length >= count || after <= trimmed) return found.slice(-count);
  }
}

/** Prints events for ever, across interruptions. */
async function watch({ run, session, scope }: Source, after: number | undefined): Promise<void> {
  const from = after === undefined ? {} : { after };
  for await (const event of session.watch({ ...scope, ...from, signal: run.terminal.signal }))
    printEvent(run, event);
}

function printEvent(run: Run, event: Event): void {
  if (run.json) {
    run.emit(event);
    return;
  }
  const { sequence, atMs, noun, event: name, id, body } = event;
  const head = run.paint("dim", `${String(sequence).padStart(8)}  ${time(atMs)}`);
  run.print(`${head}  ${run.paint("bold", `${noun}.${name}`)}  ${id}  ${plain(summary(body))}`);
}
