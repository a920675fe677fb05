/** novact group …: server groups, whose instances are to be together or apart. */
import { Command, Option } from "commander";
import type { Instance } from "../../../protocol/instance.ts";
import { groupPolicies } from "../../../protocol/kinds.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { ServerGroup } from "../../../protocol/server-group.ts";
import { parsePositive, time } from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed } from "../lists/listed.ts";
import { readPages } from "../pages.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { deleteCommand, type Removal } from "../several/delete-command.ts";
import type { Column, Fact } from "../table.ts";
import { stateStyle } from "./instance-view.ts";

export function groupCommand(invoke: Invoke): Command {
  const noun = new Command("group").description("Server groups: instances that shall be together, or apart.");
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  noun.addCommand(createCommand(invoke));
  noun.addCommand(deleteCommand(invoke, removal));
  return noun;
}

const ruleOf = ({ policy, maxPerHost }: ServerGroup): string =>
  maxPerHost === null ? policy : `${policy}, ${maxPerHost} per host`;

function columns(withProject: boolean): readonly Column<ServerGroup>[] {
  const project: Column<ServerGroup> = { title: "PROJECT", value: (row) => row.project };
  return [
    { title: "ID", value: ({ id }) => id },
    ...(withProject ? [project] : []),
    { title: "NAME", value: ({ name }) => name, cut: true },
    { title: "RULE", value: ruleOf },
    { title: "MEMBERS", value: ({ members }) => String(members.length) },
    { title: "CREATED", value: ({ createdAtMs }) => time(createdAtMs), wide: true },
  ];
}

const facts = (group: ServerGroup): readonly Fact[] => [
  ["id", group.id],
  ["name", group.name],
  ["project", group.project],
  ["rule", ruleOf(group)],
  ["members", group.members.length === 0 ? "none" : String(group.members.length)],
  ["created", time(group.createdAtMs)],
];

/** The members with their names and hosts. */
async function printMembers(run: Run, session: Session, { members }: ServerGroup): Promise<void> {
  if (members.length === 0) return;
  const { indented, renderTable } = await import("../table.ts");
  const ids = members.slice(0, wireLimits.filterValuesMax);
  const { rows } = await readPages<Instance>(async (page) => {
    const { instances, nextMarker } = await session.instance.list({ ...page, ids }, run.call());
    return { rows: instances, nextMarker };
  });
  if (ids.length < members.length) run.remark(`These are ${ids.length} of ${members.length} members.`);
  const options = { ...run.tableOptions, width: run.width - 2 };
  run.print(`\n${indented(renderTable(memberColumns, rows, options))}`);
}

const memberColumns: readonly Column<Instance>[] = [
  { title: "MEMBER", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => stateStyle(state) },
  { title: "HOST", value: ({ hostName, hostId }) => hostName ?? hostId ?? "-" },
];

async function print(run: Run, group: ServerGroup): Promise<void> {
  if (run.json) return run.emit(group);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(facts(group), run.paint, run.width));
}

const list: Listed<ServerGroup> = {
  description: "Lists the project's groups, oldest first.",
  keyOf: ({ id }) => id,
  reader:
    ({ run, session }) =>
    async (page) => {
      const { serverGroups, nextMarker } = await session.serverGroup.list(page, run.call());
      return { rows: serverGroups, nextMarker };
    },
  columns: ({ everyProject }) => columns(everyProject),
  // Instances come into a group and leave it.
  follows: ["server-group", "instance"],
};

const removal: Removal = {
  noun: "group",
  description: "Removes groups that have no members.",
  find: async (session, key, run) => (await session.serverGroup.get(key, {}, run.call())).serverGroup,
  remove: async (session, key, run) => (await session.serverGroup.delete(key, {}, run.call())).serverGroup,
};

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one group with its members.")
    .argument("<group>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { serverGroup } = await session.serverGroup.get(key, {}, run.call());
        await print(run, serverGroup);
        if (!run.json) await printMembers(run, session, serverGroup);
        return 0;
      }),
    );
}

interface CreateOptions {
  readonly policy: ServerGroup["policy"];
  readonly maxPerHost?: number;
}

function createCommand(invoke: Invoke): Command {
  return new Command("create")
    .description("Makes a group without members; instances come into it when they are made.")
    .argument("<name>", "its name; must be free in the project")
    .addOption(
      new Option("--policy <policy>", "what holds for its members; soft- only prefers it")
        .choices(groupPolicies)
        .makeOptionMandatory(),
    )
    .option("--max-per-host <n>", "with anti-affinity: so many may share a host (default: 1)", parsePositive)
    .action((name: string, { policy, maxPerHost }: CreateOptions, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const request = { name, policy, ...(maxPerHost === undefined ? {} : { maxPerHost }) };
        await print(run, (await session.serverGroup.create(request, run.call())).serverGroup);
        return 0;
      }),
    );
}
