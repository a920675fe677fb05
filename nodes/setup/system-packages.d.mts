/** Types of system-packages.mjs, which is plain JavaScript so that it can run before npm has brought anything. */
import type { Stop } from "./run-command.mjs";

export function installPackages(say: (text: string) => void, stop?: Stop): Promise<void>;
export function installTestPackages(say: (text: string) => void, stop?: Stop): Promise<void>;
export function updateLists(say: (text: string) => void, stop?: Stop): Promise<boolean>;
/** What another process keeps apt-get from, in words for people; undefined: its output tells of no lock. */
export function lockIn(output: string): string | undefined;
