/**
 * How a guest's process gets into its cgroups: a shell writes itself into them, and becomes the next program
 * of the launch. So there is no moment in which anything of the guest is outside of them. Pure: a command and
 * a list of arguments.
 */
import type { Launch } from "../qemu/launcher.ts";

/** Ends with 126 when it cannot enter one of them: a guest without its bounds is not started. */
const script =
  'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 126; shift; done; shift; exec "$@"';

/** The launch, in these cgroups; without any it is unchanged. */
export function entering(directories: readonly string[], { command, argv }: Launch): Launch {
  if (directories.length === 0) return { command, argv };
  return { command: "sh", argv: ["-c", script, "sh", ...directories, "--", command, ...argv] };
}
