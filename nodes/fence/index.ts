/**
 * The port PowerFence from the configuration: the power controller (BMC) of each host. It is the only list of
 * the kinds: a new kind is a file, its part of nodes/config/power.ts, and a case here.
 *
 * Password files are checked when the port is made, so that a mistake is reported at start and not in the
 * night; they are read again for each fence, so that a password can be changed without a restart.
 */
import { readFileSync } from "node:fs";
import type { PowerFence } from "../../actors/ports/power.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { NodeConfig } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import type { PowerConfig } from "../config/power.ts";
import { type ControlOptions, type PowerControl, type PowerTiming, powerTiming } from "./control.ts";
import { IpmiControl } from "./ipmi.ts";
import { proveOff } from "./prove-off.ts";
import { RedfishControl } from "./redfish.ts";
import { readSecretFile, SecretFileError } from "./secret-file.ts";

export interface PowerFenceOptions {
  readonly nodes: readonly Pick<NodeConfig, "name" | "power">[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: PowerTiming;
  /** Path of ipmitool, in place of the command on the path. */
  readonly ipmitool?: string;
}

/** Makes the port. @throws ConfigError when a file that it needs cannot be used */
export function createPowerFence(options: PowerFenceOptions): PowerFence {
  const powers = new Map<string, PowerConfig>();
  for (const { name, power } of options.nodes) {
    if (power === undefined) continue;
    readFiles(power);
    powers.set(name, power);
  }
  return {
    has: (hostName) => powers.has(hostName),
    off: async (hostName, signal) => {
      const power = powers.get(hostName);
      if (power === undefined) {
        const message = `${hostName} has no power controller in the configuration.`;
        throw new StatusError("powerControlMissing", message);
      }
      const { clock, log, timing = powerTiming } = options;
      const control = controlOf(power, { hostName, clock, log, timing }, options.ipmitool);
      const proof = await proveOff(control, { hostName, clock, timing }, signal);
      log.info({ host: hostName, ...proof }, "the host is proved off");
      return proof;
    },
  };
}

function controlOf(
  power: PowerConfig,
  options: Omit<ControlOptions, "password">,
  ipmitool: string | undefined,
): PowerControl {
  const { password, ca } = readNow(power, options.hostName);
  if (power.kind === "redfish") return new RedfishControl({ ...options, power, password, ca });
  return new IpmiControl({
    ...options,
    power,
    password,
    ...(ipmitool === undefined ? {} : { command: ipmitool }),
  });
}

/** Reads the files of a power controller for a fence. @throws StatusError powerControlMissing */
function readNow(power: PowerConfig, hostName: string): ReturnType<typeof readFiles> {
  try {
    return readFiles(power);
  } catch (cause) {
    const message = `The files for the power controller of ${hostName} cannot be used.`;
    throw new StatusError("powerControlMissing", message, { cause });
  }
}

/** Reads the files of a power controller. @throws ConfigError */
function readFiles(power: PowerConfig): { readonly password: string; readonly ca: string | undefined } {
  const caFile = power.kind === "redfish" ? power.caFile : undefined;
  return {
    password: orConfigError(power.passwordFile, () => readSecretFile(power.passwordFile)),
    ca: caFile === undefined ? undefined : orConfigError(caFile, () => readFileSync(caFile, "utf8")),
  };
}

function orConfigError<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message =
      error instanceof SecretFileError
        ? error.message
        : `cannot be read (${code ?? "unknown"}). Write the certificates into it, in PEM.`;
    throw new ConfigError(file, [{ line: 1, message }]);
  }
}
