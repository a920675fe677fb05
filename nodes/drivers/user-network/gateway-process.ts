/**
 * The process of a gateway: QEMU without a machine, whose user-mode TCP stack (slirp) is led into the switch.
 * It is started apart from the agent, so that connections outlive the agent, and found again with proof: it
 * works in a directory that only the agent's user can enter, and that is no other process's. This file must
 * never signal a process that it has not proved.
 *
 * Tried with QEMU 7.2.22: it takes 13 MiB (PSS). slirp answers nobody but whom it has called (`restrict=on`),
 * and the switch lets nothing else come to it. Without a machine QEMU warns of a "hub with no nics".
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { livingStat } from "../process-owners.ts";
import { QmpConnection } from "../qemu/qmp.ts";
import { toolEnvironment } from "../tool.ts";
import { delay } from "../waiting.ts";
import { type Forward, type Gateway, slirpOptions } from "./gateways.ts";
import { userNetworkLimits } from "./limits.ts";

/** Names in the directory of a gateway. */
export const gatewayFiles = { socket: "s", qmp: "qmp", pid: "pid", log: "log" } as const;

/** Of slirp, in QEMU. */
const netdev = "guests";
/** Of the stream that leads to the switch. */
const stream = "switch";

/** The command line of QEMU without a machine; `options`: of slirp. */
export const slirpArguments = ({ name, options }: { readonly name: string; readonly options: string }) => [
  ...["-M", "none", "-nodefaults", "-no-user-config", "-display", "none", "-name", name],
  ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  ...["-pidfile", gatewayFiles.pid, "-qmp", `unix:${gatewayFiles.qmp},server=on,wait=off`],
  ...["-netdev", `user,id=${netdev},${options}`],
  ...["-netdev", `stream,id=${stream},server=on,addr.type=unix,addr.path=${gatewayFiles.socket}`],
  ...["-netdev", `hubport,id=a,hubid=0,netdev=${netdev}`, "-netdev", `hubport,id=b,hubid=0,netdev=${stream}`],
];

export const gatewayArguments = ({ id, address }: Pick<Gateway, "id" | "address">): readonly string[] =>
  slirpArguments({ name: `gateway.${id}`, options: slirpOptions(address) });

/** @throws Error when none can be started; a second one in the directory ends at once */
export const startGateway = (directory: string, emulator: string, gateway: Gateway): ChildProcess =>
  startProcess(directory, [emulator, ...gatewayArguments(gateway)]);

/** Apart from the agent, which may end before it. @throws Error when it cannot be started */
export function startProcess(directory: string, [program = "", ...argv]: readonly string[]): ChildProcess {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const log = openSync(join(directory, gatewayFiles.log), flags, 0o600);
  try {
    const stdio: StdioOptions = ["ignore", log, log];
    const child = spawn(program, argv, { cwd: directory, env: toolEnvironment, detached: true, stdio });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** The pid of the directory's living gateway; undefined: none lives, or it has just begun. A real path. */
export function findGateway(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, gatewayFiles.pid), "latin1").trim());
    return Number.isSafeInteger(pid) && pid > 0 && isGateway(pid, directory) ? pid : undefined;
  } catch {
    // No file, or no process of that number.
    return undefined;
  }
}

/** @throws Error when there is no such process */
const isGateway = (pid: number, directory: string): boolean =>
  livingStat(pid) !== undefined && readlinkSync(`/proc/${pid}/cwd`) === directory;

/** Ends the gateway of the directory, if one lives. @throws Error when it does not end */
export async function endGateway(directory: string, clock: Clock): Promise<void> {
  const { endPatienceMs, killPatienceMs, endProbePeriodMs } = userNetworkLimits;
  for (const [signal, patienceMs] of [
    ["SIGTERM", endPatienceMs] as const,
    ["SIGKILL", killPatienceMs] as const,
  ]) {
    const pid = findGateway(directory);
    if (pid === undefined) return;
    send(pid, signal);
    const deadlineMs = clock.monotonicMs() + patienceMs;
    while (livesStill(pid, directory) && clock.monotonicMs() < deadlineMs)
      await delay(clock, endProbePeriodMs);
  }
  if (findGateway(directory) !== undefined) throw new Error("A gateway of this host could not be ended.");
}

/** @throws Error when it may not be sent; a process that has ended meanwhile needs none */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function livesStill(pid: number, directory: string): boolean {
  try {
    return isGateway(pid, directory);
  } catch {
    return false;
  }
}

type Open = Pick<Forward, "hostAddress" | "hostPort" | "address" | "port">;

/** Asks a gateway which ports are open, and opens and closes them. */
export class GatewayMonitor {
  readonly #qmp: QmpConnection;

  private constructor(qmp: QmpConnection) {
    this.#qmp = qmp;
  }

  /** @throws Error when it does not answer */
  static async open(directory: string, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    const events = { onEvent: () => undefined, onClose: () => undefined };
    return new GatewayMonitor(
      await QmpConnection.open(join(directory, gatewayFiles.qmp), { clock, log, ...events }),
    );
  }

  async open(): Promise<readonly Open[]> {
    return openIn(await this.#say("info usernet"));
  }

  /**
   * Whether the switch is connected. QEMU 7.2.22 listens for the switch in a thread of its own, and a frame
   * that slirp sends before that thread has ended goes to a channel that is not there yet: the process dies
   * (SIGSEGV, tried with a slow `listen`). Nobody may be let in before.
   */
  async isConnected(): Promise<boolean> {
    return isConnectedIn(await this.#say("info network"));
  }

  /** False: it is not open, whatever the reason. */
  async add({ hostAddress, hostPort, address, port }: Open): Promise<boolean> {
    return (
      (await this.#say(`hostfwd_add ${netdev} tcp:${hostAddress}:${hostPort}-${address}:${port}`)) === ""
    );
  }

  async remove({ hostAddress, hostPort }: Open): Promise<void> {
    await this.#say(`hostfwd_remove ${netdev} tcp:${hostAddress}:${hostPort}`);
  }

  close(): void {
    this.#qmp.close();
  }

  /** Every part of a command is a number, or an address that was read. */
  async #say(line: string): Promise<string> {
    return String(await this.#qmp.execute("human-monitor-command", { "command-line": line })).trim();
  }
}

const connectedLine = new RegExp(`\\b${stream}: index=\\d+,type=stream,\\S`);

/** Whether QEMU's `info network` names who is at the other end of the stream. */
export const isConnectedIn = (text: string): boolean => connectedLine.test(text);

const openLine = /^\s*TCP\[HOST_FORWARD\]\s+\d+\s+([\d.]+)\s+(\d+)\s+([\d.]+)\s+(\d+)\s/;

/** What QEMU's `info usernet` says is open. */
export const openIn = (text: string): readonly Open[] =>
  text.split("\n").flatMap((line) => {
    const [, hostAddress = "", hostPort, address = "", port] = openLine.exec(line) ?? [];
    return hostPort === undefined
      ? []
      : [{ hostAddress, hostPort: Number(hostPort), address, port: Number(port) }];
  });
