/**
 * What a person can do with the cluster that has just started, in lines that can be pasted as they are, in
 * another terminal that knows nothing of this one. Only texts: it starts and stops nothing.
 */
import { credentialsFile } from "../bus/credentials.ts";
import { inboxPrefixOf } from "../bus/users.ts";
import { type ClusterConfig, connectionOf, plainConfigFile, statePaths } from "../config/config.ts";
import { commandAgain, typedCommand } from "../package/typed-command.ts";
import { type DemoShown, demoNames } from "./demo.ts";

/** What is typed in another terminal, where NOVACT_CONFIG of this one is not set. */
export const commandFor = ({ file }: Pick<ClusterConfig, "file">): string =>
  commandAgain(typedCommand(), file === plainConfigFile() ? {} : { config: file });

/** @param pids the agents of the nodes that run, by name @param demo what there is of it; absent: nothing */
export function whatNow(
  config: ClusterConfig,
  pids: ReadonlyMap<string, number>,
  demo: DemoShown = { hasNetwork: false, hasBoth: false },
): string {
  const novact = commandFor(config);
  const on = demo.hasNetwork ? ` --network ${demoNames.network}` : "";
  const commands: readonly (readonly [string, string])[] = [
    [`${novact} instance list`, "what there is"],
    [`${novact} instance create web --flavor tiny --image tiny${on} --wait`, "one more"],
    [`${novact} instance console ${config.demo ? demoNames.first : "web"} --follow`, "watch a console"],
    ...reaching(novact, demo),
    [`${novact} host list`, "the compute nodes"],
    [`${novact} doctor`, "does everything agree?"],
    ...losing(config, pids),
  ];
  const width = Math.max(...commands.map(([command]) => command.length));
  return [
    "",
    "What now? In another terminal:",
    // What stands behind a command is a comment to a shell: a whole line can be pasted.
    ...commands.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}`),
    `  ${natsCommand(config)}`,
    "Ctrl-C ends everything.",
    "",
    "",
  ].join("\n");
}

function reaching(novact: string, { hasBoth }: DemoShown): (readonly [string, string])[] {
  const { first, second, network } = demoNames;
  if (!hasBoth) return [];
  const ends = `--from ${second} --to ${first}`;
  return [[`${novact} network explain ${ends}`, `why ${second} reaches ${first}, on the network ${network}`]];
}

/** How to lose a node, and have it back; only where its guests have another one to go to. */
function losing({ nodes }: ClusterConfig, pids: ReadonlyMap<string, number>) {
  const lost = nodes.find(({ name, sharedDirectory }) => sharedDirectory !== undefined && pids.has(name));
  const pid = pids.get(lost?.name ?? "");
  if (lost === undefined || pid === undefined || pids.size < 2) return [];
  return [
    [`kill -STOP ${pid}`, `lose ${lost.name}: its guests start on another node`],
    [`kill -CONT ${pid}`, `have ${lost.name} back`],
  ] as const;
}

/** A line for NATS's own CLI; the password stays out of the arguments, which everybody sees. */
function natsCommand(config: ClusterConfig): string {
  const project = config.projects[0] ?? "demo";
  const [server = ""] = connectionOf(config, project).servers;
  const request = `req novact.v1.${config.cell}.cmd.${project}.instance.list '{}'`;
  if (config.nats.url !== undefined) return `nats --server ${server} ${request}`;
  const file = credentialsFile(statePaths(config).nats, project);
  const password = `NATS_PASSWORD=$(node -p 'require("${file}").pass')`;
  return `${password} nats --server ${server} --user ${project} --inbox-prefix ${inboxPrefixOf(project)} ${request}`;
}
