/**
 * Which specs `npm test` runs in one process, and which processes run side by side. The first lane that fits
 * a file has it. Lanes start in this order, two at a time; one that `waits` runs beside them from the start,
 * and those that are `alone` have the computer to themselves, after all others. A lane is the same set of
 * files in the same order on every computer, however many CPUs there are: what fails in it fails again.
 *
 * Two lanes may not share anything: each spec has servers on ports that were free, and state directories of
 * its own; cgroups and users of guests are named after these. Specs that list the processes of the computer
 * look for those of their own directory.
 */

export interface Lane {
  readonly name: string;
  /** Paths from the root of the project. */
  readonly files: RegExp;
  /** What the specs of this lane have in common, or why they run alone. */
  readonly why: string;
  readonly runs?: "alone" | "waits";
}

/** Specs without servers. The longest lanes are first. */
export const specLanes: readonly Lane[] = [
  {
    name: "nodes",
    files: /^spec\/(?:nodes|check)\//,
    why: "Start processes, and look for them: none may hang while another lane lists all processes for long.",
  },
  {
    name: "clusters",
    files: /^spec\/cluster\//,
    why: "Clusters in one process, on the real clock: in five of six seconds they wait for it.",
    runs: "waits",
  },
  {
    name: "seeds",
    files: /^spec\/simulator\/simulator\.spec\.ts$/,
    why: "Random cells: a third of the CPU time of all specs.",
  },
  {
    name: "rest",
    files: /^spec\/(?!live\/|simulator\/)/,
    why: "Decisions by value, stores in memory, examples, documents, tidy.",
  },
  { name: "simulator", files: /^spec\/simulator\//, why: "Mutants, scenarios, the matrix of crashes." },
];

const live = (...names: readonly string[]): RegExp =>
  new RegExp(`^spec/live/(?:${names.join("|")})\\.spec\\.ts$`);

/** Specs with real servers and guests. A spec that is named nowhere runs alone, until somebody has looked. */
export const liveLanes: readonly Lane[] = [
  {
    name: "processes",
    files: live("bench", "up-faults", "up", "chaos", "failures", "metrics", "full-disk", "full-disk-stream"),
    why: "Whole clusters of processes that are started, killed and ended: they wait for each other.",
  },
  {
    name: "packages",
    files: live("plugins-packed", "package", "added-noun", "readme", "wire-cluster"),
    why: "Compilers, installations, and clusters with pretended guests.",
  },
  {
    name: "services",
    files: live(
      ...[
        "accounts",
        "bulk",
        "debug",
        "events",
        "image-files",
        "image-transfers",
        "image-uploads",
        "ipmi",
        "list-plans",
        "migrate",
        "nats",
      ],
      ...["nats-meter", "placement", "schema", "servers", "store", "store-comparison", "store-failures"],
      ...["store-writers", "safety", "websocket", "wire", "compute", "host-features", "pinning", "qemu"],
      ...["qemu-images", "shared-storage", "bridge-network", "packet-rules", "tunnel-rules", "full-subnet"],
      ...["published-ports", "pulled-images", "image-peers", "catalogue", "nfs-volumes", "instance-images"],
      ...["machine-volumes", "boot-volumes", "volume-kills", "local-disks", "filling"],
    ),
    why: "One server, or one host with guests; what they bound in time they bound generously.",
  },
  {
    name: "alone",
    files: live(".*"),
    why:
      "What is judged is time: a guard's deadlines, the answers beside a flood, a recovery. Or the whole " +
      "computer notices: impostors hang whoever reads the arguments of all processes, and hostile guests " +
      "take all that they get.",
    runs: "alone",
  },
];

/** The files of each lane, sorted; lanes without files are left out. @throws Error for a file of no lane */
export function filesOfLanes(
  lanes: readonly Lane[],
  files: readonly string[],
): readonly { readonly lane: Lane; readonly files: readonly string[] }[] {
  const laneOf = (file: string) => lanes.find((lane) => lane.files.test(file));
  const lost = files.filter((file) => laneOf(file) === undefined);
  if (lost.length > 0) throw new Error(`No lane has ${lost.join(", ")}.`);
  return lanes
    .map((lane) => ({ lane, files: files.filter((file) => laneOf(file) === lane).sort() }))
    .filter((one) => one.files.length > 0);
}
