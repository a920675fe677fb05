/** novact group …: server groups, whose instances are to be together or apart. */
import { Command, Option } from "commander";
import { groupPolicies } from "../../../protocol/kinds.ts";
import type { ServerGroup } from "../../../protocol/server-group.ts";
import { parsePositive, time } from "../format.ts";
import { readPages } from "../pages.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column, Fact } from "../table.ts";

export function groupCommand(invoke: Invoke): Command {
  const noun = new Command("group").description("Server groups: instances that shall be together, or apart.");
  noun.addCommand(listCommand(invoke));
  noun.addCommand(
    one(invoke, "show", "Shows one group with its members.", (session, key, run) =>
      session.serverGroup.get(key, {}, run.call()),
    ),
  );
  noun.addCommand(createCommand(invoke));
  noun.addCommand(
    one(invoke, "delete", "Removes a group that has no members.", (session, key, run) =>
      session.serverGroup.delete(key, {}, run.call()),
    ),
  );
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
  ];
}

const facts = (group: ServerGroup): readonly Fact[] => [
  ["id", group.id],
  ["name", group.name],
  ["project", group.project],
  ["rule", ruleOf(group)],
  ...(group.members.length === 0 ? ["none"] : group.members).map(
    (member, at): Fact => [at === 0 ? "members" : "", member],
  ),
  ["created", time(group.createdAtMs)],
];

async function print(run: Run, group: ServerGroup): Promise<void> {
  if (run.json) return run.emit(group);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(facts(group), run.paint, run.width));
}

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists the project's groups, oldest first.")
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { rows } = await readPages<ServerGroup>(async (page) => {
          const { serverGroups, nextMarker } = await session.serverGroup.list(page, run.call());
          return { rows: serverGroups, nextMarker };
        });
        await run.list(rows, columns(session.project === "admin"));
        return 0;
      }),
    );
}

type Ask = (session: Session, key: string, run: Run) => Promise<{ readonly serverGroup: ServerGroup }>;

function one(invoke: Invoke, name: string, summary: string, ask: Ask): Command {
  return new Command(name)
    .description(summary)
    .argument("<group>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        await print(run, (await ask(await run.session(), key, run)).serverGroup);
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
