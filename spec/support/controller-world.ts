/** A controller on a memory bus and any store, with clients and scripted hosts: the smallest cluster. */
import type { NamedExtensions } from "../../actors/control/extensions/definition.ts";
import type { SchedulerOptions } from "../../actors/control/scheduler/schedule.ts";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import type { ImageFiles } from "../../actors/ports/image-files.ts";
import type { PowerFence } from "../../actors/ports/power.ts";
import type { Store } from "../../actors/ports/store.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import { assembleController, type Controller } from "../../nodes/controller/assembly.ts";
import { assembleSafety } from "../../nodes/controller/safety.ts";
import { createPowerFence } from "../../nodes/fence/index.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import type { ClientOf, Clients } from "../../nodes/sdk/clients.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { PluginVersion } from "../../protocol/release.ts";
import { services } from "../../protocol/services.ts";
import { commandBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import type { Service } from "../../protocol/wire/service.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { deafBus } from "./deaf-bus.ts";
import { createMemoryBus } from "./memory-bus.ts";
import { MemoryImageFiles } from "./memory-image-files.ts";
import { inventoryOf, ScriptedHost, type ScriptedHostOptions } from "./scripted-host.ts";

export const silentLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object, message: string) => console.error(message, fields),
};

const cell = "test";

export interface WorldOptions {
  readonly controllers?: number;
  readonly hostPortsReserved?: ReadonlySet<number>;
  /** Absent: a store in memory. */
  readonly store?: Store;
  /** False: the store has flavor and image already. */
  readonly catalog?: boolean;
  /** Absent: in memory, the same of all controllers. */
  readonly imageFiles?: ImageFiles;
  /** Where each controller takes and gives the bytes of images, by index. Absent: none does either. */
  readonly imageDoors?: readonly ImageDoor[];
  /** Absent: no host has a power controller. */
  readonly power?: PowerFence;
  /** Absent: nothing is known of the controllers' file systems. */
  readonly space?: DiskSpace;
  /** Filters and weighers of plug-ins. Absent: none. */
  readonly foreign?: SchedulerOptions["foreign"];
  /** Plug-ins of each controller, by index. Absent: none says what it runs. */
  readonly plugins?: readonly (readonly PluginVersion[])[];
  /** Absent: a log of errors only. */
  readonly log?: Log;
  /** Absent: no plug-ins. */
  readonly extensions?: readonly NamedExtensions[];
  /** Of all clients. Absent: the controllers do not know them. */
  readonly projects?: readonly string[];
}

const releaseOf = ({ plugins }: WorldOptions, index: number) =>
  plugins === undefined
    ? {}
    : {
        release: {
          name: `controller-${index + 1}`,
          release: { version: "1.0.0", plugins: [...(plugins[index] ?? [])] },
        },
      };

export async function controllerWorld(options: WorldOptions = {}) {
  const bus = createMemoryBus({ clock: systemClock });
  const store = options.store ?? new MemoryStore(systemClock);
  const common = { bus, clock: systemClock, ids: systemIds(0), log: options.log ?? silentLog };
  const imageFiles = options.imageFiles ?? new MemoryImageFiles(systemClock);
  const controllers: Controller[] = [];
  for (let index = 0; index < (options.controllers ?? 1); index += 1) {
    controllers.push(
      await assembleController({
        ...common,
        bus: deafBus(bus),
        cell,
        name: `controller-${index + 1}`,
        store,
        scheduler: options.foreign === undefined ? {} : { foreign: options.foreign },
        ...(options.hostPortsReserved && { hostPortsReserved: options.hostPortsReserved }),
        firstTurn: index,
        ...releaseOf(options, index),
        imageFiles,
        ...(options.imageDoors?.[index] && { imageDoor: options.imageDoors[index] }),
        power: options.power ?? createPowerFence({ nodes: [], clock: systemClock, log: silentLog }),
        ...(options.space === undefined ? {} : { space: options.space }),
        extensions: options.extensions ?? [],
        ...(options.projects === undefined ? {} : { projects: options.projects }),
        openSafety: (audience) =>
          assembleSafety({ ...common, cell, store, name: `controller-${index + 1}` }, audience),
      }),
    );
  }
  const of =
    (project: string): ClientOf =>
    (service) =>
      createClient(service, { ...common, binding: commandBinding(cell), projectOf: () => project });
  const clients = (project: string): Clients => {
    const all = Object.entries<Service>(services).map(([name, one]) => [name, of(project)(one)]);
    return Object.fromEntries(all) as Clients;
  };
  const admin = clients("admin");
  if (options.catalog !== false) {
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    await admin.image.register({ name: "tiny", kernel: { path: "/kernel" } });
  }
  const host = async (
    id: string,
    change: Partial<Pick<ScriptedHostOptions, "outcome" | "knows">> & Partial<HostInventory> = {},
  ) => {
    const { outcome, knows, ...said } = change;
    const inventory = inventoryOf(id, said);
    const rest = { ...(outcome && { outcome }), ...(knows && { knows }) };
    const scripted = new ScriptedHost({ ...common, cell, inventory, ...rest });
    await scripted.register();
    return scripted;
  };
  const stop = async () => {
    for (const controller of controllers) await controller.stop();
  };
  return { of, store, bus, demo: clients("demo"), other: clients("other"), admin, host, stop, controllers };
}
