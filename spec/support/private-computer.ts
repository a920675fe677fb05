/**
 * A computer's network of a spec's own: a namespace with a device, routes, a rule and a table of packet
 * rules, in which programs are started that would change the network of the computer itself. All of it is
 * read as text, for a comparison of before and after. Needs root, util-linux, iproute2 and nftables.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killed } from "../../nodes/bench/tap-opener.ts";

const patienceMs = 20_000;

/** /sys shows the devices of the namespace that it was mounted in; cgroups have to stay where they are. */
const holding = `mount --rbind /sys/fs/cgroup "$1" && mount -t sysfs sysfs /sys &&
mount --rbind "$1" /sys/fs/cgroup && umount -l "$1" && exec sleep infinity`;

/** As an operator may have set it. */
const devices = `link set dev lo up
link add name uplink type veth peer name cable
link set dev uplink addrgenmode none up
link set dev cable addrgenmode none up
addr add 192.0.2.10/24 dev uplink
addr add 2001:db8::10/64 dev uplink nodad
route add default via 192.0.2.1
route add default via 2001:db8::1
rule add from 192.0.2.99 lookup main
`;
const rules = `table inet operator {
  chain forward { type filter hook forward priority 0; policy drop; ip daddr 192.0.2.7 accept; }
}
`;

/** Commands, whose output is the picture. */
const readings = [
  ...["ip -j link", "ip -j addr", "ip -j route show table all", "ip -j -6 route show table all"],
  ...["ip -j rule", "ip -j -6 rule", "ip -j neigh show nud permanent", "ip netns", "nft list ruleset"],
  ...["tc qdisc", "sysctl -a --pattern ^net\\.(ipv4\\.(conf|ip_forward)|ipv6\\.conf|bridge)"],
];

export type NetworkPicture = Readonly<Record<string, string>>;

const networkOf = (pid: string): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // It has ended since it was listed.
    return undefined;
  }
};

export async function makePrivateComputer() {
  const place = mkdtempSync(join(tmpdir(), "novact-computer-"));
  const argv = ["--net", "--mount", "sh", "-ec", holding, "sh", place];
  const holder = spawn("unshare", argv, { stdio: ["ignore", "ignore", "inherit"] });
  // The tests may run in a changed root, which the mount namespace does not know; a directory is of a root.
  const entrance = ["nsenter", `--target=${holder.pid}`, "--net", "--mount", "--root", "--wd"];
  const run = (words: readonly string[], input = ""): string => {
    const [program = "", ...given] = [...entrance, ...words];
    return execFileSync(program, given, { encoding: "utf8", timeout: patienceMs, input });
  };
  const read = (words: string): string => run(words.split(" "));
  const isThere = () => execFileSync("ps", ["-o", "comm=", "-p", String(holder.pid)], { encoding: "utf8" });
  for (const deadlineMs = performance.now() + patienceMs; isThere().trim() !== "sleep"; await sleep(20))
    if (performance.now() > deadlineMs) throw new Error("No namespace was made in time.");
  run(["ip", "-batch", "-"], devices);
  run(["nft", "-f", "-"], rules);
  return {
    /** The process that holds the namespace. */
    pid: Number(holder.pid),
    /** Of all processes in it. */
    inside: (): readonly number[] => {
      const own = networkOf(String(holder.pid));
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && networkOf(name) === own);
      return pids.map(Number);
    },
    /** The words before a program that is to run there. */
    entrance,
    look: (): NetworkPicture => Object.fromEntries(readings.map((words) => [words, read(words)])),
    close: async () => {
      await killed(holder);
      rmSync(place, { recursive: true });
    },
  };
}
export type PrivateComputer = Awaited<ReturnType<typeof makePrivateComputer>>;
