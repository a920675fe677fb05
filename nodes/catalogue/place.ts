/**
 * Where the catalogue of this computer is: its sources as `cluster.yaml` names them, and the directories that
 * its files pass through. A client of a cluster elsewhere has no configuration, and then no sources.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import type { CatalogueSource } from "../config/catalogue.ts";
import { defaultConfigFile, loadConfig, statePaths } from "../config/config.ts";
import { NothingNamedError } from "../config/errors.ts";

export interface CataloguePlace {
  readonly sources: readonly CatalogueSource[];
  /** Of what is built here. */
  readonly distribution: string;
  /** Of what is being fetched. */
  readonly cache: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** `config`: the file that was named; absent: the default one. @throws ConfigError */
export function cataloguePlace(
  config: string | undefined,
  { XDG_CACHE_HOME, HOME, NOVACT_CONFIG }: Env,
): CataloguePlace {
  const own = join(XDG_CACHE_HOME || join(HOME || homedir(), ".cache"), "novact");
  const cache = join(own, "images");
  try {
    const loaded = loadConfig(config ?? NOVACT_CONFIG ?? defaultConfigFile());
    const paths = statePaths(loaded);
    return { sources: loaded.catalogue, cache, distribution: paths.distribution };
  } catch (error) {
    if (!(error instanceof NothingNamedError) || config !== undefined) throw error;
    return { sources: [], cache, distribution: join(own, "distribution") };
  }
}
