/**
 * A host's power over IPMI, through the distribution's command ipmitool. The password is passed in its
 * environment (-E), never in its arguments, which every user of this computer can see.
 *
 * ipmitool exits with 1 for every error and describes the error in words. The known words are looked for
 * here; an unknown error counts as one that may pass.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { IpmiPower } from "../config/power.ts";
import { runTool, type ToolResult } from "../drivers/tool.ts";
import { isAbort } from "../drivers/waiting.ts";
import { type ControlOptions, type PowerControl, type PowerReading, quoted, withRetries } from "./control.ts";

export interface IpmiOptions extends ControlOptions {
  readonly power: IpmiPower;
  /** The command: a name on the path, or an absolute path. */
  readonly command?: string;
}

/** The output of `chassis power status`. Source: ipmitool 1.8.19, lib/ipmi_chassis.c. */
const status = /^Chassis Power is (on|off)$/m;

/**
 * Errors that do not pass by themselves. Source: completion codes as ipmitool 1.8.19 prints them, and its
 * errors of RAKP.
 */
const refusals = new RegExp(
  [
    "insufficient privilege|unauthorized name|HMAC is invalid|invalid user ?name|password is longer",
    "invalid data field|invalid command|illegal parameter|not supported",
  ].join("|"),
  "i",
);

/**
 * Options of every call: a packet is sent again once when no answer comes within a second; a power controller
 * that does not exist takes 6 s (measured, ipmitool 1.8.19). OPERATOR is the least privilege that may switch
 * power; a user with more rights may ask for it too.
 */
const always = ["-N", "1", "-R", "2", "-L", "OPERATOR", "-E"];

const reach = (power: IpmiPower): readonly string[] => [
  ...["-I", power.interface, "-H", power.address, "-p", String(power.port), "-U", power.user],
  ...(power.cipherSuite === undefined ? [] : ["-C", String(power.cipherSuite)]),
];

export class IpmiControl implements PowerControl {
  readonly kind = "ipmi";
  readonly #options: IpmiOptions;

  constructor(options: IpmiOptions) {
    this.#options = options;
  }

  get at(): string {
    const { address, port } = this.#options.power;
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }

  read(signal: AbortSignal): Promise<PowerReading> {
    return this.#retried(async () => {
      const { output } = await this.#run(["chassis", "power", "status"], signal);
      const found = status.exec(output);
      if (found === null) throw this.#failed("says nothing about the power", output);
      return { off: found[1] === "off", said: found[0] };
    }, signal);
  }

  switchOff(signal: AbortSignal): Promise<void> {
    return this.#retried(async () => {
      await this.#run(["chassis", "power", "off"], signal);
    }, signal);
  }

  /** Nothing to close: each command is a session of its own. */
  async close(): Promise<void> {
    this.#options.log.debug({ host: this.#options.hostName }, "done with IPMI");
  }

  #retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return withRetries(work, this.#options, signal);
  }

  async #run(command: readonly string[], signal: AbortSignal): Promise<ToolResult> {
    const { power, password, timing } = this.#options;
    const argv = [...reach(power), ...always, ...command];
    const result = await runTool(this.#options.command ?? "ipmitool", argv, {
      timeoutMs: timing.requestTimeoutMs,
      signal,
      environment: { IPMI_PASSWORD: password },
    }).catch((error: unknown) => {
      throw isAbort(error) ? error : this.#notRun(error);
    });
    if (result.exitCode === 0) return result;
    throw this.#explained(result);
  }

  #explained({ exitCode, errors }: ToolResult): StatusError {
    if (exitCode === null) return this.#failed("did not answer in time", errors);
    if (!refusals.test(errors)) {
      return this.#failed("cannot be reached, or does not take this user and password", errors);
    }
    const message = `The IPMI controller of ${this.#options.hostName} refuses: it does not let this user switch.`;
    return new StatusError("powerControlRefused", message, { detail: quoted(errors) });
  }

  #failed(what: string, detail: string): StatusError {
    const message = `The IPMI controller of ${this.#options.hostName} ${what}.`;
    return new StatusError("powerControlFailed", message, { detail: quoted(detail) });
  }

  #notRun(cause: unknown): StatusError {
    const { hostName } = this.#options;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      const message = `ipmitool, by which ${hostName} would be switched off, is not installed. Type: apt-get install ipmitool`;
      return new StatusError("powerControlMissing", message, { cause });
    }
    return new StatusError("powerControlMissing", `ipmitool cannot be run for ${hostName}.`, { cause });
  }
}
