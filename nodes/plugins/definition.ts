/**
 * What a plug-in is: a package whose default export `definePlugin` made. It brings drivers, parts of the
 * scheduler, sinks of events, power controllers, and extensions of the API. It runs in our processes and is
 * trusted. Types, and the one function that checks nothing but them; loading is in load.ts.
 */
import type { Static, TObject } from "@sinclair/typebox";
import type { ExtensionParts } from "../../actors/control/extensions/definition.ts";
import type { Filter } from "../../actors/control/scheduler/filters/filter.ts";
import type { Weigher } from "../../actors/control/scheduler/weighers/weigher.ts";
import type { DisksDriver, HypervisorDriver, NetworkDriver, VolumesDriver } from "../drivers/kinds.ts";
import type { PowerDriver } from "../fence/kinds.ts";
import type { SinkDriver } from "../sinks/kinds.ts";

/** Names of things of one kind: `[a-z][a-z0-9-]{0,31}`. */
export type Named<T> = Readonly<Record<string, T>>;

/** With `resources`, `services`, `actions` and `facts` it extends the API. */
export interface PluginParts extends ExtensionParts {
  /** A cluster.yaml names them as they are: `hypervisor: NAME`, or `{ driver: NAME, options }`. */
  readonly hypervisors?: Named<HypervisorDriver>;
  readonly disks?: Named<DisksDriver>;
  readonly networks?: Named<NetworkDriver>;
  readonly volumes?: Named<VolumesDriver>;
  /** Places that get every event: `sinks: [{ driver: NAME, options }]` of cluster.yaml. */
  readonly sinks?: Named<SinkDriver>;
  /** Power controllers: `nodes[].power: { NAME: { options } }` of cluster.yaml. */
  readonly power?: Named<PowerDriver>;
  /** Their names begin with the plug-in's and a dot: `acme.coolEnough`. */
  readonly filters?: readonly Filter[];
  readonly weighers?: readonly Weigher[];
}

export interface PluginDefinition<O extends TObject = TObject> {
  /** `[a-z][a-z0-9-]{0,31}`, no name that novact or another plug-in has. */
  readonly name: string;
  /** The version of the plug-in API that it was written for, or the first and the last. */
  readonly api: number | { readonly from: number; readonly to: number };
  /** Of the options in cluster.yaml; each property's `description` tells a person what to write. */
  readonly options?: O;
  /** Called once in each process, with checked options. Opens nothing. */
  readonly parts: (options: Static<O>) => PluginParts;
}

/**
 * Says that this is a plug-in, and has the compiler look at it. It only answers what it got: a plug-in may
 * have another copy of novact, and is known by what it is.
 */
export const definePlugin = <O extends TObject>(definition: PluginDefinition<O>): PluginDefinition<O> =>
  definition;

/** The versions of the plug-in API that this release has. */
export const pluginApi = { from: 1, to: 1 };
