/**
 * novact instance ssh: finds a way to the ssh server of an instance and has the user's own ssh go it. Keys of
 * servers are remembered by instance, never by host and port: the next instance that is published there is
 * another server, and nobody is to be taught to say yes to that.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { Instance } from "../../../protocol/instance.ts";
import type { PublishedPort } from "../../../protocol/published-port.ts";
import { CommandError } from "../errors.ts";
import { parsePositive } from "../format.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { publishedOf } from "./networks/published-port.ts";
import { refuseElsewhere } from "./own-computer.ts";

interface SshOptions {
  readonly login?: string;
  readonly port?: number;
  readonly identity?: string;
  readonly tunnel?: boolean;
}

const sshPort = 22;

/** Who may not ask for hosts may not be answered at all. */
const hostLookMs = 3_000;

export function sshCommand(invoke: Invoke): Command {
  return new Command("ssh")
    .description("Logs in by ssh, by a published port of the instance, on the computer of its host.")
    .argument("<instance>", "its id or name")
    .argument("[command...]", "what to run there, after --; without it, a shell")
    .option("--login <user>", "as this user (default: that of the image, or root)")
    .option("--port <n>", `the instance's port (default: ${sshPort})`, parsePositive)
    .option("--identity <file>", "the file of the private key")
    .option("--tunnel", "a tunnel leads from the host's port on this computer to that on the instance's")
    .action((key: string, words: readonly string[], options: SshOptions, typed: Command) =>
      invoke(typed, async (run) => {
        const session = await run.session();
        const { instance } = await session.instance.get(await instanceId(run, session, key), {}, run.call());
        const port = options.port ?? sshPort;
        const way = wayTo(instance, port, await publishedOf(run, session, instance));
        if (options.tunnel !== true) await refuseTheWrongComputer(run, session, instance, way);
        const login = options.login ?? (await loginOf(run, session, instance));
        const known = knownHostsFile(instance.id, run.terminal.env);
        return runSsh(sshArguments({ instance, way, login, known, words, ...options }), run);
      }),
    );
}

/** @throws CommandError notRunning, usage */
export function wayTo(
  { name, state }: Pick<Instance, "name" | "state">,
  port: number,
  published: readonly PublishedPort[],
): PublishedPort {
  if (state !== "running") throw new CommandError("notRunning", `The instance ${name} is ${state}.`);
  const way = published.find((one) => one.port === port && one.protocol === "tcp");
  if (way !== undefined) return way;
  throw new CommandError(
    "usage",
    `Nothing leads to port ${port} of the instance ${name}: it is not published.`,
    `Publish it at a port of its host that is free: novact published-port create ${name} 2222:${port}.`,
  );
}

/** @throws CommandError usage */
async function refuseTheWrongComputer(
  run: Run,
  session: Session,
  { hostId, name }: Instance,
  { hostPort }: PublishedPort,
): Promise<void> {
  if (hostId === null) return;
  // Refused to tenants: then ssh itself finds out.
  const found = await session.host
    .get(hostId, {}, { ...run.call(), timeoutMs: hostLookMs })
    .catch(() => undefined);
  if (found !== undefined) await refuseElsewhere({ host: found.host, name, hostPort });
}

/** As glance has it: the user of an image is one of its properties. */
async function loginOf(run: Run, session: Session, { image }: Instance): Promise<string> {
  const { images } = await session.image.list({ name: image.name }, run.call());
  const found = images.find(({ id }) => id === image.id);
  return found?.properties.extra?.os_admin_user ?? "root";
}

/** One for each instance. */
function knownHostsFile(id: string, { XDG_STATE_HOME: state, HOME: home }: Run["terminal"]["env"]): string {
  const base = state || join(home || homedir(), ".local", "state");
  const directory = join(base, "novact", "known-hosts");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, id);
}

interface Going extends SshOptions {
  readonly instance: Pick<Instance, "id">;
  readonly way: Pick<PublishedPort, "address" | "hostPort">;
  readonly login: string;
  /** Path of a file. */
  readonly known: string;
  readonly words: readonly string[];
}

/** The first key of an instance is believed, and any other one later is refused. */
export const sshArguments = ({ instance, way, login, known, identity, words }: Going): readonly string[] => [
  ...["-p", String(way.hostPort), "-l", login],
  ...["-o", `HostKeyAlias=${instance.id}`, "-o", `UserKnownHostsFile="${known}"`],
  ...["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=accept-new"],
  ...(identity === undefined ? [] : ["-i", identity]),
  ...["--", way.address, ...words],
];

/** Answers the exit code of ssh, which is that of the command. @throws CommandError usage */
function runSsh(argv: readonly string[], run: Run): Promise<number> {
  const { env, signal } = run.terminal;
  return new Promise((resolve, reject) => {
    const child = spawn("ssh", argv, { stdio: "inherit", env: { ...env } });
    signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
    child.once("error", ({ message }) =>
      reject(new CommandError("usage", `ssh cannot be run: ${message}.`, "Install OpenSSH's client.")),
    );
    child.once("exit", (code) => resolve(code ?? 255));
  });
}
