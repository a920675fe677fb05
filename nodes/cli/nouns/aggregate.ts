/** novact aggregate … and novact availability-zone …: sets of hosts, and the zones that users see. */
import { Command } from "commander";
import type { Aggregate, AvailabilityZone } from "../../../protocol/aggregate.ts";
import { pairsOf, parsePair, time } from "../format.ts";
import { readPages } from "../pages.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column, Fact } from "../table.ts";

export function aggregateCommand(invoke: Invoke): Command {
  const noun = new Command("aggregate").description("Sets of hosts; for operators.");
  noun.addCommand(listCommand(invoke));
  noun.addCommand(
    one(invoke, "show", "Shows one aggregate.", (session, key, run) =>
      session.aggregate.get(key, {}, run.call()),
    ),
  );
  noun.addCommand(createCommand(invoke));
  noun.addCommand(setCommand(invoke));
  noun.addCommand(hostCommand(invoke, "add-host"));
  noun.addCommand(hostCommand(invoke, "remove-host"));
  noun.addCommand(
    one(invoke, "delete", "Removes an aggregate that has no hosts.", (session, key, run) =>
      session.aggregate.delete(key, {}, run.call()),
    ),
  );
  return noun;
}

const columns = (hosts: ReadonlyMap<string, string>): readonly Column<Aggregate>[] => [
  { title: "ID", value: ({ id }) => id, spare: true },
  { title: "NAME", value: ({ name }) => name },
  { title: "ZONE", value: ({ availabilityZone }) => availabilityZone ?? "-" },
  { title: "HOSTS", value: ({ hostIds }) => namesOf(hostIds, hosts), cut: true },
  { title: "METADATA", value: ({ metadata }) => pairsOf(metadata) ?? "-", spare: true },
];

const namesOf = (ids: readonly string[], hosts: ReadonlyMap<string, string>): string =>
  ids.length === 0 ? "-" : ids.map((id) => hosts.get(id) ?? id).join(", ");

const facts = (aggregate: Aggregate, hosts: ReadonlyMap<string, string>): readonly Fact[] => [
  ["id", aggregate.id],
  ["name", aggregate.name],
  ["zone", aggregate.availabilityZone ?? "none"],
  ["hosts", namesOf(aggregate.hostIds, hosts)],
  ["metadata", pairsOf(aggregate.metadata)],
  ["created", time(aggregate.createdAtMs)],
];

/** Names of all hosts, by id. */
async function hostNames(session: Session, run: Run): Promise<ReadonlyMap<string, string>> {
  const { rows } = await readPages(async (page) => {
    const { hosts, nextMarker } = await session.host.list(page, run.call());
    return { rows: hosts, nextMarker };
  });
  return new Map(rows.map(({ id, name }) => [id, name]));
}

async function print(run: Run, session: Session, aggregate: Aggregate): Promise<void> {
  if (run.json) return run.emit(aggregate);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(facts(aggregate, await hostNames(session, run)), run.paint, run.width));
}

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists aggregates with their hosts, oldest first.")
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const { rows } = await readPages<Aggregate>(async (page) => {
          const { aggregates, nextMarker } = await session.aggregate.list(page, run.call());
          return { rows: aggregates, nextMarker };
        });
        await run.list(rows, columns(await hostNames(session, run)));
        return 0;
      }),
    );
}

type Ask = (session: Session, key: string, run: Run) => Promise<{ readonly aggregate: Aggregate }>;

function one(invoke: Invoke, name: string, summary: string, ask: Ask): Command {
  return new Command(name)
    .description(summary)
    .argument("<aggregate>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        await print(run, session, (await ask(session, key, run)).aggregate);
        return 0;
      }),
    );
}

interface Settings {
  readonly zone?: string;
  readonly metadata?: Record<string, string>;
}

function createCommand(invoke: Invoke): Command {
  return new Command("create")
    .description("Makes an aggregate without hosts; its name must be free.")
    .argument("<name>", "its name")
    .option("--zone <zone>", "puts its hosts into this availability zone")
    .option("--metadata <key=value>", "a pair that scheduler filters may look at; repeatable", parsePair)
    .action((name: string, { zone, metadata }: Settings, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const request = {
          name,
          ...(zone === undefined ? {} : { availabilityZone: zone }),
          ...(metadata === undefined ? {} : { metadata }),
        };
        await print(run, session, (await session.aggregate.create(request, run.call())).aggregate);
        return 0;
      }),
    );
}

function setCommand(invoke: Invoke): Command {
  return new Command("set")
    .description("Changes zone or metadata; what is not named stays.")
    .argument("<aggregate>", "its id or name")
    .option("--zone <zone>", "puts its hosts into this availability zone")
    .option("--no-zone", "takes them out of it")
    .option(
      "--metadata <key=value>",
      "a pair to set; without a value it is taken away; repeatable",
      parsePair,
    )
    .action((key: string, options: { zone?: string | boolean } & Omit<Settings, "zone">, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const { zone, metadata = {} } = options;
        const pairs = Object.entries(metadata).map(([name, value]) => [name, value === "" ? null : value]);
        const request = {
          ...(typeof zone === "string" ? { availabilityZone: zone } : {}),
          ...(zone === false ? { availabilityZone: null } : {}),
          ...(pairs.length === 0 ? {} : { metadata: Object.fromEntries(pairs) }),
        };
        await print(run, session, (await session.aggregate.set(key, request, run.call())).aggregate);
        return 0;
      }),
    );
}

function hostCommand(invoke: Invoke, name: "add-host" | "remove-host"): Command {
  const summary =
    name === "add-host"
      ? "Puts a host into the aggregate; it can be in one zone only."
      : "Takes a host out; instances on it stay where they are.";
  return new Command(name)
    .description(summary)
    .argument("<aggregate>", "its id or name")
    .argument("<host>", "the host's id or name")
    .action((key: string, host: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const method = name === "add-host" ? session.aggregate.addHost : session.aggregate.removeHost;
        await print(run, session, (await method(key, { host }, run.call())).aggregate);
        return 0;
      }),
    );
}

const zoneColumns: readonly Column<AvailabilityZone>[] = [
  { title: "NAME", value: ({ name }) => name },
  {
    title: "STATE",
    value: ({ available }) => (available ? "available" : "unavailable"),
    style: ({ available }) => (available ? "green" : "red"),
  },
  { title: "HOSTS", value: ({ hosts }) => hosts?.map(({ name }) => name).join(", ") ?? "-", cut: true },
];

export function availabilityZoneCommand(invoke: Invoke): Command {
  const noun = new Command("availability-zone").description("Where instances can be asked to be.");
  const list = new Command("list").description("Lists the zones; with --project admin also their hosts.");
  list.action((_options: object, command: Command) =>
    invoke(command, async (run) => {
      const session = await run.session();
      const { zones } = await session.availabilityZone.list({}, run.call());
      await run.list(zones, session.project === "admin" ? zoneColumns : zoneColumns.slice(0, 2));
      return 0;
    }),
  );
  noun.addCommand(list);
  return noun;
}
