/**
 * A host behind IPMI, on loopback: the simulator ipmi_sim of the package openipmi, whose power is a file that
 * it reads and writes through a script. The user must stop it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface IpmiSimulator {
  readonly port: number;
  isOn(): boolean;
  /** From now on accepts orders and does nothing. */
  ignoreOrders(): void;
  stop(): Promise<void>;
}

export const ipmiUser = { user: "novact", password: "s3cret-of-ipmi" } as const;

/** The packages of missing programs. */
export function missingForIpmi(): readonly string[] {
  const programs = { ipmitool: "ipmitool", openipmi: "ipmi_sim" };
  return Object.entries(programs)
    .filter(([, program]) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0)
    .map(([name]) => name);
}

const script = (directory: string): string => `#!/bin/sh
# get NAME … prints NAME:VALUE; set NAME VALUE …
case "$1" in
  get) for name in "$@"; do [ "$name" = power ] && echo "power:$(cat ${directory}/power)"; done ;;
  set) [ "$2" = power ] && [ ! -e ${directory}/deaf ] && echo "$3" > ${directory}/power ;;
esac
exit 0
`;

const lan = (directory: string, port: number): string => `name "bmc"
startlan 1
  addr 127.0.0.1 ${port}
  priv_limit admin
  allowed_auths_user md5
  allowed_auths_operator md5
  allowed_auths_admin md5
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "${directory}/chassis"
user 2 true "${ipmiUser.user}" "${ipmiUser.password}" operator 10 none md5
`;

const commands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
`;

/** Starts a simulator whose host is on. The directory is for it alone. */
export async function startIpmiSimulator(directory: string): Promise<IpmiSimulator> {
  const at = (name: string): string => join(directory, name);
  const port = await freePort();
  mkdirSync(at("state"), { recursive: true });
  writeFileSync(at("power"), "1\n");
  writeFileSync(at("chassis"), script(directory), { mode: 0o755 });
  writeFileSync(at("lan.conf"), lan(directory, port));
  writeFileSync(at("commands"), commands);
  const argv = ["-n", "-c", at("lan.conf"), "-f", at("commands"), "-s", at("state")];
  const child = spawn("ipmi_sim", argv, { cwd: directory, stdio: "ignore" });
  return {
    port,
    isOn: () => readFileSync(at("power"), "utf8").trim() === "1",
    ignoreOrders: () => {
      writeFileSync(at("deaf"), "");
      writeFileSync(at("power"), "1\n");
    },
    stop: () => ended(child),
  };
}

function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
