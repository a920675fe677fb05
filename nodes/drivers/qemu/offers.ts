/**
 * What machines and processors QEMU can pretend to be on this host: asked of QEMU itself, under the
 * accelerator that guests run with, by a process that has no machine and ends at once. Names are full ones,
 * with their version: an alias is another machine, or another processor, to another QEMU.
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { runTool } from "../tool.ts";
import type { Accelerator } from "./arguments.ts";
import { shapeVersions } from "./line/line.ts";
import { asObject } from "./qmp.ts";

/** QEMU's answers, as far as they matter here. */
export interface QemuOffers {
  /** In order of their names; with the aliases among them. */
  readonly machineTypes: readonly string[];
  readonly aliases: readonly { readonly alias: string; readonly machineType: string }[];
  /** Processor models all of whose features this host can give a guest. */
  readonly cpuModels: readonly string[];
}

const timeoutMs = 20_000;
const commands = ["qmp_capabilities", "query-machines", "query-cpu-definitions", "quit"];

/** True for machine types with the PCI Express ports that our devices are plugged into. */
export const isUsableMachineType = (name: string): boolean => /^(?:pc-)?q35(?:-[0-9.]+)?$/.test(name);
/** A full name; `host`, `max` and `base` are none, being another processor on each host. */
const isFullCpuModel = (name: string): boolean => /^[A-Za-z0-9_.-]{1,60}-v[0-9]{1,3}$/.test(name);

/** Asks QEMU. @throws INTERNAL hypervisorRefused when it does not tell */
export async function askOffers(executable: string, accelerator: Accelerator): Promise<QemuOffers> {
  const argv = ["-no-user-config", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio"];
  const input = commands.map((execute, id) => `${JSON.stringify({ execute, id })}\n`).join("");
  const asked = { timeoutMs, input };
  const result = await runTool(executable, [...argv, "-machine", `none,accel=${accelerator}`], asked);
  const offers = offersIn(result.output);
  if (offers !== undefined) return offers;
  const message = "QEMU does not tell which machines and processors it can pretend to be.";
  throw new StatusError("hypervisorRefused", message, { detail: result.errors });
}

/** The offers in what QEMU said; undefined: one of the answers is missing. */
export function offersIn(output: string): QemuOffers | undefined {
  const answers = new Map(output.split("\n").flatMap(answerIn));
  const machines = answers.get(commands.indexOf("query-machines"));
  const cpus = answers.get(commands.indexOf("query-cpu-definitions"));
  if (machines === undefined || cpus === undefined) return undefined;
  const named = machines.flatMap(({ name, alias }) =>
    typeof name === "string" && isUsableMachineType(name) ? [{ name, alias }] : [],
  );
  const aliases = named.flatMap(({ name, alias }) =>
    typeof alias === "string" ? [{ alias, machineType: name }] : [],
  );
  const names = [...named.map(({ name }) => name), ...aliases.map(({ alias }) => alias)];
  const usable = cpus.flatMap((cpu) => {
    const { name, "unavailable-features": missing } = cpu;
    const whole = Array.isArray(missing) && missing.length === 0;
    return typeof name === "string" && isFullCpuModel(name) && whole ? [name] : [];
  });
  return {
    machineTypes: names.sort().slice(0, fieldLimits.hostMachineTypesMax),
    aliases,
    cpuModels: usable.sort().slice(0, fieldLimits.hostCpuModelsMax),
  };
}

type Answered = [number, readonly Readonly<Record<string, unknown>>[]];

function answerIn(line: string): Answered[] {
  const said = parsed(line);
  const { id, return: list } = said ?? {};
  if (typeof id !== "number" || !Array.isArray(list)) return [];
  const entries: readonly unknown[] = list;
  return [[id, entries.map(asObject).filter((one) => one !== undefined)]];
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(line));
  } catch {
    // A line that was cut off, or is no answer: what it should have told is missing, and that is seen.
    return undefined;
  }
}

/**
 * Families of processors whose newest member that a host can be is what its guests get, the best first. Those
 * of AMD come first: each of them has features that no processor of Intel has.
 */
const families = [
  ...["EPYC-Genoa", "EPYC-Milan", "EPYC-Rome", "EPYC", "Opteron_G3"],
  ...["SapphireRapids", "Icelake-Server", "Cascadelake-Server", "Skylake-Server", "Broadwell", "Haswell"],
  ...["IvyBridge", "SandyBridge", "Westmere", "Nehalem", "qemu64"],
];

/**
 * The processor of new guests. Emulated processors all cost alike, and more features of them more: a guest of
 * TCG gets QEMU's plain one. @throws INTERNAL hypervisorRefused for a `wanted` that the host cannot be
 */
export function chooseCpuModel(
  cpuModels: readonly string[],
  accelerator: Accelerator,
  wanted: string | undefined,
): string {
  if (wanted !== undefined) {
    if (cpuModels.includes(wanted)) return wanted;
    const message = `The configuration says cpuModel: ${wanted}, which this host cannot give a guest.`;
    throw new StatusError("hypervisorRefused", message);
  }
  const tried = accelerator === "tcg" ? ["qemu64"] : families;
  const chosen = tried.flatMap((family) => newestOf(family, cpuModels) ?? []).at(0);
  if (chosen !== undefined) return chosen;
  throw new StatusError("hypervisorRefused", "QEMU knows no processor that this host can give a guest.");
}

function newestOf(family: string, cpuModels: readonly string[]): string | undefined {
  const versions = cpuModels.flatMap((model) => {
    const [, name, version] = /^(.*)-v([0-9]+)$/.exec(model) ?? [];
    return name === family ? [Number(version)] : [];
  });
  return versions.length === 0 ? undefined : `${family}-v${Math.max(...versions)}`;
}

/** The shapes that guests of this host can have. @throws INTERNAL hypervisorRefused */
export function shapesOf(
  { machineTypes, aliases, cpuModels }: QemuOffers,
  accelerator: Accelerator,
  wantedCpuModel: string | undefined,
): OfferedShapes {
  const full = machineTypes.filter((name) => !aliases.some(({ alias }) => alias === name));
  const machineType = aliases.find(({ alias }) => alias === "q35")?.machineType;
  if (machineType === undefined)
    throw new StatusError("hypervisorRefused", "QEMU knows no machine with PCI Express.");
  return {
    versions: [...shapeVersions],
    machineType,
    cpuModel: chooseCpuModel(cpuModels, accelerator, wantedCpuModel),
    aliases: [...aliases],
    machineTypes: full,
    cpuModels: [...cpuModels],
  };
}

/** Undefined: it was refused. Without shapes new guests go elsewhere, and those that run are adopted. */
export const unlessRefused = (shapes: Promise<OfferedShapes>, log: Log): Promise<OfferedShapes | undefined> =>
  shapes.catch((thrown: unknown) => {
    if (!(thrown instanceof StatusError)) throw thrown;
    log.error({ err: thrown }, "This host offers no hardware to new guests.");
    return undefined;
  });
