/**
 * Stand-ins for a guest that was broken out of: programs of our own in a guest's place, started as a guest's
 * process is (its cgroups, limits and user), which take whatever they can get.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { entering } from "../../nodes/drivers/cgroup/entry.ts";
import type { GuestGroups } from "../../nodes/drivers/cgroup/guest-groups.ts";
import { guestUser } from "../../nodes/drivers/guest-user.ts";
import type { GuestTag } from "../../nodes/drivers/qemu/guest-tag.ts";
import { launchOf } from "../../nodes/drivers/qemu/launcher.ts";
import type { MachineSpec } from "../../protocol/machine.ts";

/** Programs in Perl. Each says `begun` first. */
const programs = {
  waits: "sleep 60",
  takesMemory: '$taken .= "x" x 1048576 while 1',
  // Arguments: a file to fill, and files whose coming it waits for before it does so and before the rest.
  cachesThenTakes:
    "my ($file, @go) = @ARGV; sub await { my ($path) = @_; select undef, undef, undef, 0.01 until -e $path } await($go[0]); " +
    // On the disk at once: the kernel may end whoever has only pages that it cannot give back yet.
    'use IO::Handle; open my $out, ">", $file or die $!; ' +
    'for (1 .. 60) { syswrite $out, "x" x 1048576; $out->sync } print "cached\n"; ' +
    'await($go[1]); $taken .= "x" x 1048576 while 1',
  forks: "while (1) { my $child = fork; sleep 60 if defined $child && $child == 0 && getppid == 1 }",
  // From 1 MiB below the bound of a guest without a disk.
  writes:
    'open my $file, ">", $ARGV[0] or die $!; sysseek $file, 17178820608, 0; ' +
    'syswrite $file, "x" x 65536 while 1',
  leaves:
    'for my $group (@ARGV) { my $ok = open(my $file, ">>", "$group/cgroup.procs") && print $file "$$"; ' +
    'print $ok && close($file) ? "left\\n" : "refused\\n" }',
} as const;

export interface Hostile {
  readonly tag: GuestTag;
  readonly spec: MachineSpec;
  readonly does: keyof typeof programs;
  readonly arguments?: readonly string[];
}

export interface StartedHostile {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Resolves with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** What it has said. */
  said(): string;
}

/** Starts it in the cgroups of its guest, and answers when it has begun. */
export async function startHostile(groups: GuestGroups, hostile: Hostile): Promise<StartedHostile> {
  const { tag, spec, does } = hostile;
  const directories = await groups.make(tag, spec);
  const user = guestUser(tag.instanceId);
  const perl = ["-e", `$| = 1; print "begun\\n"; ${programs[does]}`, ...(hostile.arguments ?? [])];
  const launch = launchOf({ user, groups: [], network: undefined, spec }, { command: "perl", argv: perl });
  const { command, argv } = entering(directories, launch);
  const child = spawn(command, argv, { cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("exit", (_code, signal) => resolve(signal));
  });
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
      if (text.includes("begun")) resolve();
    });
    void ended.then(() => resolve());
  });
  return { process: child, pid: child.pid ?? 0, ended, said: () => text };
}

/** Why stand-ins cannot be started here; undefined: they can. */
export function missingForHostile(groups: GuestGroups): string | undefined {
  if (process.getuid?.() !== 0) return "not root: guests have no users of their own";
  for (const tool of ["perl", "setpriv", "prlimit"])
    if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined)
      return `${tool} is not installed`;
  const { memory, processes, freezer, why } = groups.bounding;
  return [memory, processes, freezer].includes("none") ? `guests cannot be bounded here: ${why}` : undefined;
}
