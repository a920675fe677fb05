/**
 * Network namespaces that stand for machines, on one wire: each has an address of its own on it, and reaches
 * nothing else. A node in one of them comes to the spec's NATS by a socket of the file system, which is the
 * only thing that these machines share. They may have a second cable each, to an operator's network. Needs
 * root; with the last process and descriptor all of it is gone.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { type FileHandle, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killed } from "../../nodes/bench/tap-opener.ts";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import { systemClock } from "../../nodes/process/clock.ts";

export interface Machine {
  readonly underlay: string;
  /** Path of a program that runs Node on the machine. */
  readonly runtime: string;
  /** Path by which root enters its network. */
  readonly path: string;
}

/** Undefined: there can be machines. */
export function missingForMachines(): string | undefined {
  const mount = "mount --make-rprivate / && mount -t sysfs sys /sys";
  const tried = spawnSync("unshare", ["--net", "--mount", "sh", "-c", mount]);
  return tried.status === 0 ? undefined : "sysfs cannot be mounted in a namespace of its own here";
}

export class Machines {
  readonly #directory = mkdtempSync(join(tmpdir(), "novact-machines-"));
  readonly #namespaces: FileHandle[] = [];
  readonly #relays: ChildProcess[] = [];
  readonly #servers: Server[] = [];
  readonly all: Machine[] = [];
  /** The namespace of the wire. */
  #wire = "";
  /** The namespace of the operator's network, whose bridge is `office`. Undefined: there is none. */
  office: string | undefined;

  /**
   * With the port of loopback that all of them reach as if it were their own. `office`: each has a device
   * `eth1` on an operator's network.
   */
  static async make(count: number, port: number, office = false): Promise<Machines> {
    const machines = new Machines();
    try {
      const wire = await machines.#namespace();
      machines.#wire = wire;
      if (office) {
        machines.office = await machines.#namespace();
        inside(machines.office, "link add name office type bridge", "link set dev office up");
      }
      inside(wire, "link add name wire type bridge", "link set dev wire up");
      const socket = join(machines.#directory, "relay");
      await machines.#lead(socket, port);
      for (let number = 1; number <= count; number += 1) await machines.#plug(wire, number);
      for (const one of machines.all) await machines.#follow(one, socket, port);
      return machines;
    } catch (error) {
      await machines.close();
      throw error;
    }
  }

  async #namespace(): Promise<string> {
    const handle = await makeNamespace(systemClock);
    this.#namespaces.push(handle);
    return `/proc/${process.pid}/fd/${handle.fd}`;
  }

  async #plug(wire: string, number: number): Promise<void> {
    const path = await this.#namespace();
    const underlay = `192.0.2.${number}`;
    inside(
      path,
      "link set dev lo up",
      `link add name cable type veth peer name cable${number} netns ${wire}`,
      `addr add ${underlay}/24 dev cable`,
      "link set dev cable up",
    );
    inside(wire, `link set dev cable${number} master wire up`);
    if (this.office !== undefined) {
      inside(path, `link add name eth1 type veth peer name port${number} netns ${this.office}`);
      inside(path, "link set dev eth1 up");
      inside(this.office, `link set dev port${number} master office up`);
    }
    const runtime = join(this.#directory, `node-${number}`);
    writeFileSync(runtime, runtimeText(path, join(this.#directory, "cgroup")), { mode: 0o755 });
    this.all.push({ underlay, runtime, path });
  }

  /** From the socket to the port, where the spec is. */
  async #lead(socket: string, port: number): Promise<void> {
    const server = createServer((from) => {
      const to = connect(port, "127.0.0.1");
      from.pipe(to).pipe(from);
      for (const one of [from, to]) one.on("error", () => [from, to].map((each) => each.destroy()));
    });
    this.#servers.push(server);
    server.listen(socket);
    await once(server, "listening");
  }

  /** From the port to the socket, on the machine. */
  async #follow({ path }: Machine, socket: string, port: number): Promise<void> {
    const program = `
      const { connect, createServer } = require("node:net");
      createServer((from) => {
        const to = connect(${JSON.stringify(socket)});
        from.pipe(to).pipe(from);
        for (const one of [from, to]) one.on("error", () => [from, to].map((each) => each.destroy()));
      }).listen(${port}, "127.0.0.1", () => console.log("listening"));
      process.stdin.on("end", () => process.exit()).resume();
    `;
    const relay = spawn("nsenter", [`--net=${path}`, process.execPath, "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#relays.push(relay);
    await once(relay.stdout, "data");
  }

  /** Pulls all cables of the machine with that number, for good. From 1. */
  unplug(number: number): void {
    inside(this.#wire, `link del dev cable${number}`);
    if (this.office !== undefined) inside(this.office, `link del dev port${number}`);
  }

  async close(): Promise<void> {
    for (const one of this.#relays) await killed(one);
    for (const one of this.#servers) one.close();
    for (const one of this.#namespaces) await one.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/**
 * What a machine's programs see below /sys is of the machine; cgroups are the computer's. The name of the
 * namespace is of this process, so it is entered before anything else.
 */
const runtimeText = (path: string, cgroup: string): string => `#!/bin/sh
exec nsenter --net=${path} unshare --mount sh -c '
mount --make-rprivate /
mkdir -p ${cgroup}
mount --rbind /sys/fs/cgroup ${cgroup}
mount -t sysfs sys /sys
mount --move ${cgroup} /sys/fs/cgroup 2>/dev/null || mount --rbind ${cgroup} /sys/fs/cgroup
exec "$0" "$@"' ${process.execPath} "$@"
`;

/** @throws Error when `ip` complains */
function inside(path: string, ...lines: readonly string[]): void {
  const input = lines.map((line) => `${line}\n`).join("");
  const argv = [`--net=${path}`, "ip", "-batch", "-"];
  const { status, stderr } = spawnSync("nsenter", argv, { encoding: "utf8", input });
  if (status !== 0) throw new Error(stderr);
}
