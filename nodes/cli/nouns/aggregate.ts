/** novact aggregate … and novact availability-zone …: sets of hosts, and the zones that users see. */
import { Command } from "commander";
import type { Aggregate, AvailabilityZone } from "../../../protocol/aggregate.ts";
import { pairsOf, parsePair, time } from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed, View } from "../lists/listed.ts";
import { Names, type Thing } from "../lists/names.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { deleteCommand, type Removal } from "../several/delete-command.ts";
import type { Column, Fact } from "../table.ts";

export function aggregateCommand(invoke: Invoke): Command {
  const noun = new Command("aggregate").description("Sets of hosts; for operators.");
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  noun.addCommand(createCommand(invoke));
  noun.addCommand(setCommand(invoke));
  noun.addCommand(hostCommand(invoke, "add-host"));
  noun.addCommand(hostCommand(invoke, "remove-host"));
  noun.addCommand(deleteCommand(invoke, removal));
  return noun;
}

type NameOf = View["nameOf"];

const columns = (nameOf: NameOf): readonly Column<Aggregate>[] => [
  { title: "ID", value: ({ id }) => id, spare: true },
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "ZONE", value: ({ availabilityZone }) => availabilityZone ?? "-" },
  { title: "HOSTS", value: (row) => hostsOf(row, nameOf), cut: true },
  { title: "METADATA", value: ({ metadata }) => pairsOf(metadata) ?? "-", spare: true, cut: true },
];

const hostsOf = ({ hostIds }: Aggregate, nameOf: NameOf): string =>
  hostIds.length === 0 ? "-" : hostIds.map((id) => nameOf({ noun: "host", id })).join(", ");

const facts = (aggregate: Aggregate, nameOf: NameOf): readonly Fact[] => [
  ["id", aggregate.id],
  ["name", aggregate.name],
  ["zone", aggregate.availabilityZone ?? "none"],
  ["hosts", hostsOf(aggregate, nameOf)],
  ["metadata", pairsOf(aggregate.metadata)],
  ["created", time(aggregate.createdAtMs)],
];

const thingsOf = ({ hostIds }: Aggregate): readonly Thing[] => hostIds.map((id) => ({ noun: "host", id }));

async function print(run: Run, session: Session, aggregate: Aggregate): Promise<void> {
  if (run.json) return run.emit(aggregate);
  const { renderFacts } = await import("../table.ts");
  const names = new Names(run, session);
  await names.lookUp(thingsOf(aggregate));
  run.print(
    renderFacts(
      facts(aggregate, (thing) => names.shown(thing)),
      run.paint,
      run.width,
    ),
  );
}

const list: Listed<Aggregate> = {
  description: "Lists aggregates with their hosts, oldest first.",
  audience: "admin",
  keyOf: ({ id }) => id,
  reader:
    ({ run, session }) =>
    async (page) => {
      const { aggregates, nextMarker } = await session.aggregate.list(page, run.call());
      return { rows: aggregates, nextMarker };
    },
  named: thingsOf,
  columns: ({ nameOf }) => columns(nameOf),
  follows: ["aggregate"],
};

const removal: Removal = {
  noun: "aggregate",
  description: "Removes aggregates that have no hosts.",
  audience: "admin",
  find: async (session, key, run) => (await session.aggregate.get(key, {}, run.call())).aggregate,
  remove: async (session, key, run) => (await session.aggregate.delete(key, {}, run.call())).aggregate,
};

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one aggregate.")
    .argument("<aggregate>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        await print(run, session, (await session.aggregate.get(key, {}, run.call())).aggregate);
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

const zones: Listed<AvailabilityZone> = {
  description: "Lists the zones; with --project admin also their hosts.",
  keyOf: ({ name }) => name,
  // There are few, and they come all at once.
  reader:
    ({ run, session }) =>
    async () => {
      const answer = await session.availabilityZone.list({}, run.call());
      return { rows: answer.zones, nextMarker: undefined };
    },
  columns: ({ everyProject }) => (everyProject ? zoneColumns : zoneColumns.slice(0, 2)),
  follows: ["aggregate", "host"],
};

export function availabilityZoneCommand(invoke: Invoke): Command {
  const noun = new Command("availability-zone").description("Where instances can be asked to be.");
  noun.addCommand(listCommand(invoke, zones));
  return noun;
}
