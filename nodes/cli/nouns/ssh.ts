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
import type { FloatingIp } from "../../../protocol/floating-ip.ts";
import type { Instance } from "../../../protocol/instance.ts";
import type { PublishedPort } from "../../../protocol/published-port.ts";
import { CommandError } from "../errors.ts";
import { parsePositive } from "../format.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { hasBanner, untilSsh, type Way } from "./launch/reach.ts";
import { Steps } from "./launch/steps.ts";
import { floatingOf } from "./networks/floating-ip.ts";
import { publishedOf } from "./networks/published-port.ts";
import { refuseElsewhere } from "./own-computer.ts";

export interface SshOptions {
  readonly login?: string;
  readonly port?: number;
  readonly identity?: string;
  readonly tunnel?: boolean;
  /** False: ssh is run at once. */
  readonly wait?: boolean;
}

const sshPort = 22;

/** A packet that no rule allows is dropped without a word: so long ssh waits for an answer. */
const silentSeconds = 20;
/** The exit code of ssh when no connection came about. */
const sshFailed = 255;

/** Who may not ask for hosts may not be answered at all. */
const hostLookMs = 3_000;

export function sshCommand(invoke: Invoke): Command {
  return new Command("ssh")
    .description(
      "Logs in by ssh, by a published port of the instance on the computer of its host, or by a floating address.",
    )
    .argument("<instance>", "its id or name")
    .argument("[command...]", "what to run there, after --; without it, a shell")
    .option("--login <user>", "as this user (default: that of the image, or root)")
    .option("--port <n>", `the instance's port (default: ${sshPort})`, parsePositive)
    .option("--identity <file>", "the file of the private key")
    .option("--tunnel", "a tunnel leads from the host's port on this computer to that on the instance's")
    .option("--no-wait", "runs ssh at once; else it waits for a published port's guest, which may boot still")
    .action((key: string, words: readonly string[], options: SshOptions, typed: Command) =>
      invoke(typed, async (run) => {
        const session = await run.session();
        const { instance } = await session.instance.get(await instanceId(run, session, key), {}, run.call());
        const way = await wayOf(run, session, instance, options);
        if (options.wait !== false) await untilBooted(run, session, instance, way);
        return logIn(run, session, { instance, way, words, options });
      }),
    );
}

/** A host's port answers before the guest behind it does, and ssh would call that a failure. */
async function untilBooted(run: Run, session: Session, { id, name }: Instance, way: Way): Promise<void> {
  if (!way.isHosts || (await hasBanner(way, run.terminal.signal))) return;
  await untilSsh(run, session, { id, name, way }, new Steps(run));
}

/** The way to a port of the instance from this computer. @throws CommandError notRunning, usage */
export async function wayOf(
  run: Run,
  session: Session,
  instance: Instance,
  { port = sshPort, tunnel }: Pick<SshOptions, "port" | "tunnel"> = {},
): Promise<Way> {
  const [published, floating] = await Promise.all([
    publishedOf(run, session, instance),
    floatingOf(run, session, instance),
  ]);
  const way = wayTo(instance, port, published, floating);
  if (way.isHosts && tunnel !== true) await refuseTheWrongComputer(run, session, instance, way);
  return way;
}

export interface LogIn {
  readonly instance: Instance;
  readonly way: Way;
  /** The command for the instance; without words a shell. */
  readonly words: readonly string[];
  readonly options: SshOptions;
}

/** Runs ssh; answers its exit code, which is that of the words. @throws CommandError usage */
export async function logIn(
  run: Run,
  session: Session,
  { instance, way, words, options }: LogIn,
): Promise<number> {
  const login = options.login ?? (await loginOf(run, session, instance));
  const known = knownHostsFile(instance.id, run.terminal.env);
  const exit = await runSsh(sshArguments({ instance, way, login, known, words, ...options }), run);
  if (exit === sshFailed && !way.isHosts)
    run.terminal.err.write(whatIsNeeded(run.terminal.command, instance, way));
  return exit;
}

/** Published ports pass whatever groups say, so they come first. @throws CommandError notRunning, usage */
export function wayTo(
  { name, state }: Pick<Instance, "name" | "state">,
  port: number,
  published: readonly PublishedPort[],
  floating: readonly Pick<FloatingIp, "name">[] = [],
): Way {
  if (state !== "running") throw new CommandError("notRunning", `The instance ${name} is ${state}.`);
  const way = published.find((one) => one.port === port && one.protocol === "tcp");
  if (way !== undefined) return { address: way.address, port: way.hostPort, isHosts: true };
  const [address] = floating;
  if (address !== undefined) return { address: address.name, port, isHosts: false };
  throw new CommandError(
    "usage",
    `Nothing leads to port ${port} of the instance ${name}: it is not published, and it has no floating address.`,
    [
      `Publish it at a port of its host that is free: novact published-port create ${name} 2222:${port};`,
      `or lead an address to it: novact floating-ip create NETWORK --instance ${name}.`,
    ].join(" "),
  );
}

/** @throws CommandError usage */
async function refuseTheWrongComputer(
  run: Run,
  session: Session,
  { hostId, name }: Instance,
  { port: hostPort }: Way,
): Promise<void> {
  if (hostId === null) return;
  // Refused to tenants: then ssh itself finds out.
  const found = await session.host
    .get(hostId, {}, { ...run.call(), timeoutMs: hostLookMs })
    .catch(() => undefined);
  if (found !== undefined) await refuseElsewhere({ host: found.host, name, hostPort });
}

/** As glance has it: the user of an image is one of its properties. */
export async function loginOf(run: Run, session: Session, { image }: Instance): Promise<string> {
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
  readonly way: Way;
  readonly login: string;
  /** Path of a file. */
  readonly known: string;
  readonly words: readonly string[];
}

/** The first key of an instance is believed, and any other one later is refused. */
export const sshArguments = ({ instance, way, login, known, identity, words }: Going): readonly string[] => [
  ...["-p", String(way.port), "-l", login],
  ...["-o", `HostKeyAlias=${instance.id}`, "-o", `UserKnownHostsFile="${known}"`],
  ...["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=accept-new"],
  ...(way.isHosts ? [] : ["-o", `ConnectTimeout=${silentSeconds}`]),
  ...(identity === undefined ? [] : ["-i", identity]),
  ...["--", way.address, ...words],
];

/** ssh has said which of both it was, in words of its own, and ends with the same code. */
export const whatIsNeeded = (
  command: string,
  { name }: Pick<Instance, "name">,
  { address, port }: Pick<Way, "address" | "port">,
): string =>
  `ssh tried the floating address ${address}. If nothing answered, port ${port} of ${name} needs a rule in a group of ` +
  `its port: ${command} security-group-rule create default ingress --protocol tcp --port ${port}. ` +
  "If the key was refused, name the file of the private one: --identity FILE.\n";

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
