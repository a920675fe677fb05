/**
 * The first contents of a new cluster, so that a person can begin at once: the tiny guest as images, some
 * flavors, and one instance whose boot is shown. A client like any other: everything goes through the SDK.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "../../protocol/instance.ts";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { counted, isOrAre } from "../../protocol/wire/wording.ts";
import type { ClusterConfig } from "../config/config.ts";
import { typedCommand } from "../package/typed-command.ts";
import { connect, type Novact, StatusError } from "../sdk/sdk.ts";
import type { GuestFiles } from "../setup/guest/build.ts";
import { type DemoShown, demoNames, demoShown, makeFirst, makeOutside, makeSecond } from "./demo.ts";
import { upLimits } from "./limits.ts";
import type { WayOutside } from "./own-networks.ts";
import type { Screen } from "./screen.ts";
import { commandFor } from "./what-now.ts";

const upMarker = "NOVACT-GUEST UP";
const readyMarker = "NOVACT-GUEST READY";
const downMarker = "NOVACT-GUEST DOWN";
/** The flavors to make; those whose names exist are left alone. */
const flavors = [
  { name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 },
  { name: "small", vcpus: 1, memoryMib: 256, diskGib: 1 },
  { name: "medium", vcpus: 2, memoryMib: 512, diskGib: 5 },
  // As cloud images of distributions are made: 2 to 10 GiB inside, and too large for less memory.
  { name: "standard", vcpus: 1, memoryMib: 1_024, diskGib: 10 },
  { name: "large", vcpus: 2, memoryMib: 2_048, diskGib: 20 },
] as const;
const lookEveryMs = 100;

export interface WelcomeOptions {
  readonly config: ClusterConfig;
  readonly screen: Screen;
  readonly guest: GuestFiles | undefined;
  /** Absent: routers of the nodes lead nowhere else. */
  readonly outside?: WayOutside | undefined;
  readonly signal: AbortSignal;
}

/**
 * Registers what is missing, then shows a guest boot. Ends early when the signal is aborted. Answers what
 * there is of the demo; undefined: nothing.
 */
export async function welcome(options: WelcomeOptions): Promise<DemoShown | undefined> {
  const { config, guest } = options;
  await using admin = await connect({ config: config.file, project: adminProject });
  await registerFlavors(admin);
  if (guest === undefined) return undefined;
  await registerImages(admin, guest);
  const project = config.projects[0];
  if (!config.demo || project === undefined) return undefined;
  await using tenant = await connect({ config: config.file, project });
  await showGuest(options, admin, tenant);
  // Awaited here: the connection ends with this function.
  return options.signal.aborted ? undefined : await demoShown(tenant);
}

async function registerFlavors(admin: Novact): Promise<void> {
  const known = new Set((await admin.flavor.list({})).flavors.map(({ name }) => name));
  for (const flavor of flavors) {
    if (!known.has(flavor.name)) await unlessTaken(admin.flavor.create(flavor));
  }
}

async function registerImages(admin: Novact, guest: GuestFiles): Promise<void> {
  const known = new Set((await admin.image.list({})).images.map(({ name }) => name));
  if (!known.has("tiny")) {
    const { commandLine } = guest;
    const files = { kernel: { path: guest.kernel }, ramdisk: { path: guest.ramdisk } };
    await unlessTaken(admin.image.register({ name: "tiny", ...files, commandLine }, patient));
  }
  if (!known.has("tiny-disk")) {
    const disk = { path: guest.disk, format: "qcow2" } as const;
    await unlessTaken(admin.image.register({ name: "tiny-disk", disk }, patient));
  }
}

/** Deadline for registering: checksums of large files on a slow disk. */
const patient = { timeoutMs: upLimits.serverStartTimeoutMs };

async function unlessTaken(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "nameTaken") throw error;
  }
}

async function showGuest(options: WelcomeOptions, admin: Novact, tenant: Novact): Promise<void> {
  const { screen, signal } = options;
  await untilHostAlive(admin, signal);
  if (signal.aborted) return;
  if (options.outside !== undefined) await unlessTaken(makeOutside(admin, options.outside));
  const { instances } = await tenant.instance.list({});
  const first = instances.find(({ name }) => name === demoNames.first) ?? instances[0];
  if (first === undefined) return showNew(options, admin, tenant);
  const wanted = instances.filter(({ desired }) => desired === "running");
  const remembered = `${counted(instances.length, "instance")} ${isOrAre(instances.length)} remembered`;
  screen.say(`${remembered}, ${wanted.length} of them to be running`);
  const shown = wanted.find(({ id }) => id === first.id) ?? wanted[0];
  if (shown !== undefined) await showBoot(options, tenant, { instance: shown, again: true });
}

async function showNew(options: WelcomeOptions, admin: Novact, tenant: Novact): Promise<void> {
  const { screen, signal } = options;
  const instance = await makeFirst(admin, tenant);
  const address = instance.interfaces?.[0]?.addresses[0]?.address;
  if (address !== undefined)
    screen.say(`network ${demoNames.network} is there; ${instance.name} has ${address} on it`);
  screen.say(`instance ${instance.name} (${instance.id}) is accepted; its console:`);
  await showBoot(options, tenant, { instance, again: false });
  if (!signal.aborted) await showSecond(options, instance, tenant);
}

/** Its boot is not waited for. Without room for it, the cluster is up all the same. */
async function showSecond(
  { screen, config }: WelcomeOptions,
  first: Instance,
  tenant: Novact,
): Promise<void> {
  try {
    const second = await makeSecond(first, tenant);
    if (second === undefined) return;
    const console = `${commandFor(config)} instance console ${second.name} --tail 9`;
    screen.say(`instance ${second.name} boots now, and pings ${first.name}: ${console}`);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    screen.say(`there is no second guest to ping ${first.name}: ${error.message}`);
  }
}

/** Waits until a node has registered itself, a moment after its start. */
async function untilHostAlive(admin: Novact, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + upLimits.serverStartTimeoutMs;
  while (!signal.aborted) {
    const { hosts } = await admin.host.list({});
    if (hosts.some(({ alive, enabled }) => alive && enabled)) return;
    if (performance.now() > deadlineMs)
      throw new Error("No compute node has registered itself; see its log.");
    await sleep(lookEveryMs);
  }
}

interface Shown {
  readonly instance: Instance;
  /** True: the instance has booted in an earlier run, whose output comes first in its log. */
  readonly again: boolean;
}

/**
 * Shows the console from the beginning of the current boot to its marker, or until lifeLimits.buildTimeoutMs
 * is over.
 */
async function showBoot(options: WelcomeOptions, tenant: Novact, shown: Shown): Promise<void> {
  const { screen } = options;
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(lifeLimits.buildTimeoutMs)]);
  let boot = "";
  let printed = 0;
  try {
    for await (const text of tenant.console(shown.instance.id, { follow: true, signal: deadline })) {
      boot += text;
      const start = shown.again ? afterLastEnd(boot) : 0;
      printed = Math.max(printed, start);
      screen.show(boot.slice(printed));
      printed = boot.length;
      const marker = boot.indexOf(readyMarker, start);
      if (marker >= 0 && boot.includes("\n", marker)) break;
    }
  } catch (error) {
    if (options.signal.aborted) return;
    if (!deadline.aborted) throw error;
    screen.say(
      `${shown.instance.name} has not come up yet: ${typedCommand()} instance explain ${shown.instance.id}`,
    );
    return;
  }
  const { instance } = await tenant.instance.get(shown.instance.id, {});
  const seconds = (screen.sinceStartMs() / 1_000).toFixed(1);
  screen.say(`${instance.name} is up on ${instance.hostName ?? "no host"}, ${seconds} s after the start`);
}

/** Position of the current boot: its first word after the last word of the boot before. */
function afterLastEnd(text: string): number {
  const end = text.lastIndexOf(downMarker);
  if (end < 0) return 0;
  const start = text.indexOf(upMarker, end);
  return start < 0 ? text.length : start;
}
