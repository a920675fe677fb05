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
import type { DriverPower, PowerConfig } from "../config/power.ts";
import { readSecretFile, SecretFileError } from "../process/secret-file.ts";
import {
  type ControlOptions,
  type PowerControl,
  type PowerReading,
  type PowerTiming,
  powerTiming,
  quoted,
} from "./control.ts";
import { IpmiControl } from "./ipmi.ts";
import type { PowerDriver } from "./kinds.ts";
import { proveOff } from "./prove-off.ts";
import { RedfishControl } from "./redfish.ts";

export interface PowerFenceOptions {
  readonly nodes: readonly Pick<NodeConfig, "name" | "power">[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: PowerTiming;
  /** Drivers of plug-ins, by name. Absent: none. */
  readonly drivers?: Readonly<Record<string, PowerDriver>>;
  /** Path of ipmitool, in place of the command on the path. */
  readonly ipmitool?: string;
  /** Of cluster.yaml, for errors. Absent: its directory is named. */
  readonly file?: string;
}

/** Makes the port. @throws ConfigError when a file that it needs cannot be used */
export function createPowerFence(options: PowerFenceOptions): PowerFence {
  const powers = new Map<string, PowerConfig>();
  for (const { name, power } of options.nodes) {
    if (power === undefined) continue;
    if (power.kind === "driver") checkDriver(power, { ...options, hostName: name });
    else readFiles(power);
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
      const around = { hostName, clock, log, timing };
      const control =
        power.kind === "driver"
          ? ofDriver(power, around, options.drivers)
          : controlOf(power, around, options.ipmitool);
      const proof = await proveOff(control, { hostName, clock, timing }, signal);
      log.info({ host: hostName, ...proof }, "the host is proved off");
      return proof;
    },
  };
}

/** A power controller of a plug-in, under its driver's name. @throws StatusError powerControlMissing */
function ofDriver(
  { driver, options, directory }: DriverPower,
  around: Omit<ControlOptions, "password">,
  drivers: PowerFenceOptions["drivers"] = {},
): PowerControl {
  try {
    const control = drivers[driver]?.open({ ...around, directory }, options);
    if (control === undefined) throw new Error(`no plug-in brings the driver ${driver}`);
    return {
      kind: driver,
      get at() {
        return quoted(String(control.at));
      },
      read: async (signal) => readingOf(await control.read(signal)),
      switchOff: (signal) => control.switchOff(signal),
      close: async () => {
        await control.close().catch((error: unknown) => {
          around.log.warn({ error, host: around.hostName }, "a power controller was not closed");
        });
      },
    };
  } catch (cause) {
    const message = `The power controller of ${around.hostName} cannot be used.`;
    throw new StatusError("powerControlMissing", message, { cause });
  }
}

/** Only `true` is off: what a plug-in answers else proves nothing. */
const readingOf = ({ off, said }: PowerReading): PowerReading => ({
  off: off === true,
  said: quoted(String(said)),
});

/** Opens one at the start, so that a mistake is told then. @throws ConfigError */
function checkDriver(power: DriverPower, options: PowerFenceOptions & { readonly hostName: string }): void {
  const { clock, log, hostName, timing = powerTiming } = options;
  try {
    void ofDriver(power, { clock, log, hostName, timing }, options.drivers).close();
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    const why = cause instanceof Error ? cause.message : "it cannot be opened";
    const message = `The power driver ${power.driver} of the node ${hostName} cannot be used: ${quoted(why)}.`;
    throw new ConfigError(options.file ?? power.directory, [{ line: 1, message }]);
  }
}

function controlOf(
  power: Exclude<PowerConfig, DriverPower>,
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
function readNow(power: Exclude<PowerConfig, DriverPower>, hostName: string): ReturnType<typeof readFiles> {
  try {
    return readFiles(power);
  } catch (cause) {
    const message = `The files for the power controller of ${hostName} cannot be used.`;
    throw new StatusError("powerControlMissing", message, { cause });
  }
}

/** Reads the files of a power controller. @throws ConfigError */
function readFiles(power: Exclude<PowerConfig, DriverPower>): {
  readonly password: string;
  readonly ca: string | undefined;
} {
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
