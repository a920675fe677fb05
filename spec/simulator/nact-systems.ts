/**
 * nact keeps every actor system that was not stopped, for ever, in a map of its own. Simulated processes die
 * without stopping anything, as killed ones do, so a run forgets the systems that it made when it has ended:
 * twenty thousand runs would not fit into memory otherwise.
 */
import { createRequire } from "node:module";

interface SystemMap {
  add(system: { readonly name: string }): void;
  remove(name: string): void;
}

const systemMap = createRequire(import.meta.url)("nact/lib/system-map") as SystemMap;

/** Notes every system that is made from now on; the function that it answers forgets them all. */
export function noteSystems(): () => void {
  const { add } = systemMap;
  const names: string[] = [];
  systemMap.add = (system) => {
    names.push(system.name);
    add(system);
  };
  return () => {
    systemMap.add = add;
    for (const name of names) systemMap.remove(name);
  };
}
