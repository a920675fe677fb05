/**
 * Waits until an ssh server answers on the way to an instance. A guest boots for seconds or minutes, and a
 * host's port answers before the guest behind it does: only the server's own first line counts.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../errors.ts";
import { duration } from "../../format.ts";
import { commandLimits } from "../../limits.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import type { Steps } from "./steps.ts";

/** Where the ssh server of an instance answers. */
export interface Way {
  readonly address: string;
  readonly port: number;
  /** True: a port of the instance's host, which answers on that computer alone. */
  readonly isHosts: boolean;
}

export interface Reached {
  readonly id: string;
  readonly name: string;
  readonly way: Way;
}

/** @throws CommandError timeout, notRunning; the signal's reason when it is aborted */
export async function untilSsh(
  run: Run,
  session: Session,
  { id, name, way }: Reached,
  steps: Steps,
): Promise<void> {
  const { signal } = run.terminal;
  const at = `${way.address}:${way.port}`;
  const startedMs = performance.now();
  const patienceMs = run.timeoutMs ?? commandLimits.sshAnswerTimeoutMs;
  steps.say("ssh", `waiting for ${name} to answer at ${at}: it boots`);
  while (!(await hasBanner(way, signal))) {
    signal.throwIfAborted();
    const { instance } = await session.instance.get(id, {}, run.call());
    if (instance.state !== "running")
      throw new CommandError(
        "notRunning",
        `The instance ${name} is ${instance.state}.`,
        `Look why: novact instance explain ${name}, novact instance console ${name}.`,
      );
    if (performance.now() - startedMs > patienceMs)
      throw new CommandError(
        "timeout",
        `No ssh server has answered at ${at} for ${duration(patienceMs)}; the instance ${name} runs.`,
        `Look how far it is: novact instance console ${name}; log in later: novact instance ssh ${name}.`,
      );
    await sleep(commandLimits.sshLookPeriodMs, undefined, { signal });
  }
  steps.say("ssh", `it answers, after ${duration(performance.now() - startedMs)}`);
}

/** Whether who answers speaks ssh. Source: RFC 4253, 4.2. */
export function hasBanner(
  { address, port }: Pick<Way, "address" | "port">,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    const done = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    let text = "";
    socket.setTimeout(commandLimits.sshBannerTimeoutMs, () => done(false));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (/^SSH-/m.test(text)) done(true);
      else if (text.length > commandLimits.sshBannerLengthMax) done(false);
    });
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
  });
}
