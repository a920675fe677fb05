/** The tiny guest and the tools that live tests with real guests need; and what is missing, as a sentence. */
import { spawnSync } from "node:child_process";
import { loadConfig, statePaths } from "../../nodes/config/config.ts";
import { findGuest, type GuestFiles } from "../../nodes/setup/guest/build.ts";

export interface TestGuest extends GuestFiles {
  readonly directory: string;
}

/** The guest that the set-up has built; undefined when there is none, or none from the present sources. */
export function guestOfSetup(): TestGuest | undefined {
  const directory = statePaths(loadConfig()).guest;
  const files = findGuest(directory);
  return files && { ...files, directory };
}

/** Why no guest can run here; undefined when one can. */
export function missingForGuests(): string | undefined {
  for (const tool of ["qemu-system-x86_64", "qemu-img", "setpriv", "prlimit", "fallocate"]) {
    if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined)
      return `${tool} is not installed`;
  }
  return guestOfSetup() === undefined ? "the tiny guest was not built (npm start builds it)" : undefined;
}
