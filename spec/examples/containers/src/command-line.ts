/**
 * An image's command line, read as Linux reads its own: `init=PATH` names the first process, words after `--`
 * are its arguments, NAME=VALUE becomes its environment. `power=SIGNAL` is ours: what the power button sends.
 * Pure.
 */
import { StatusError } from "novact/plugin";
import { containerLimits } from "./limits.ts";

export interface FirstProcess {
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  /** Number of the signal that asks it to end. */
  readonly powerSignal: number;
}

/** Numbers, because Node names no real-time signals; those of Linux on every architecture that novact has. */
const powerSignals: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGPWR: 30,
  "SIGRTMIN+3": 37,
  "SIGRTMIN+4": 38,
};

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** @throws hypervisorRefused */
export function firstProcess(commandLine: string): FirstProcess {
  const words = commandLine.split(" ").filter((word) => word !== "");
  if (words.length > containerLimits.commandWordsMax) throw refused("it has too many words");
  const end = words.indexOf("--");
  const [settings, rest] = end < 0 ? [words, []] : [words.slice(0, end), words.slice(end + 1)];
  const setting = (name: string) =>
    settings.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const init = setting("init") ?? "/sbin/init";
  if (!init.startsWith("/")) throw refused("init= is no absolute path");
  const powerSignal = powerSignals[setting("power") ?? "SIGTERM"];
  if (powerSignal === undefined) throw refused(`power= is none of ${Object.keys(powerSignals).join(", ")}`);
  const environment = settings.filter((word) => /^[A-Za-z_][A-Za-z0-9_]*=/.test(word) && !isOurs(word));
  return {
    argv: [init, ...rest],
    environment: [searchPath, "container=novact", ...environment],
    powerSignal,
  };
}

const isOurs = (word: string): boolean => word.startsWith("init=") || word.startsWith("power=");

const refused = (why: string): StatusError =>
  new StatusError("hypervisorRefused", `The image's command line cannot be followed: ${why}.`);
