/**
 * Errors about fields of a request, in the words of the command line: the option or argument in which the
 * field's value was typed. Pure. A field without a word of its own keeps its name.
 */
import type { Command } from "commander";

/** Options that are called otherwise than the fields that they fill, in any command. */
const optionNames: Readonly<Record<string, string>> = {
  availabilityZone: "zone",
  diskGib: "disk",
  ephemeralGib: "ephemeral",
  swapMib: "swap",
  diskGibMin: "disk-min",
  "disk.format": "format",
  "disk.sha256": "disk-sha256",
  extraSpecs: "spec",
  "hints.differentHost": "different-host",
  "hints.sameHost": "same-host",
  "kernel.sha256": "kernel-sha256",
  memoryMib: "memory",
  memoryMibMin: "memory-min",
  networks: "network",
  parallelism: "parallel",
  "properties.architecture": "architecture",
  "properties.diskGibMin": "disk-min",
  "properties.extra": "property",
  "properties.hypervisor": "hypervisor",
  "properties.memoryMibMin": "memory-min",
  "ramdisk.sha256": "ramdisk-sha256",
  "recovery.policy": "recovery",
  "recovery.priority": "recovery-priority",
  serverGroup: "group",
  tailLines: "tail",
  timeoutMs: "grace",
};

interface Fault {
  readonly field: string;
  readonly problem: string;
}

/** The message in the words of the command; undefined: the details name no field that it has a word for. */
export function inWordsOf(command: Command | undefined, details: unknown): string | undefined {
  const faults = faultsIn(details);
  if (command === undefined || faults.length === 0) return undefined;
  const sentences = faults.map(({ field, problem }) => {
    const word = wordFor(command, field);
    return word === undefined ? undefined : `${word} ${problem}.`;
  });
  return sentences.every((sentence) => sentence !== undefined) ? sentences.join(" ") : undefined;
}

/** As `--memory` or `<name>`; of a field within another, that of the innermost which has one. */
function wordFor(command: Command, field: string): string | undefined {
  const parts = field.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const path = parts.slice(0, length).join(".");
    const name = optionNames[path] ?? kebab(parts[length - 1] ?? "");
    if (command.options.some(({ long }) => long === `--${name}`)) return `--${name}`;
    if (command.registeredArguments.some((argument) => argument.name() === name)) return `<${name}>`;
  }
  return undefined;
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function faultsIn(details: unknown): readonly Fault[] {
  if (typeof details !== "object" || details === null || !("faults" in details)) return [];
  return Array.isArray(details.faults) ? details.faults.filter(isFault) : [];
}

const isFault = (value: unknown): value is Fault =>
  typeof value === "object" &&
  value !== null &&
  "field" in value &&
  typeof value.field === "string" &&
  "problem" in value &&
  typeof value.problem === "string";
