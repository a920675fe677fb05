/**
 * Real guests on the networks of one host, without controllers: they are started by the hypervisor's driver,
 * and the network's driver is told of pictures that are made here. Each guest pings the addresses that it is
 * told, again and again, and says on its console whether they answer.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { plugIn } from "../../actors/node/machine/interfaces.ts";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import { createDrivers } from "../../nodes/drivers/index.ts";
import type { Drivers, NetworkDriver } from "../../nodes/drivers/kinds.ts";
import { qemuFacts } from "../../nodes/drivers/qemu/facts.ts";
import { registryWith } from "../../nodes/drivers/registry.ts";
import { ExitKeeper } from "../../nodes/drivers/user-network/exit-keeper.ts";
import { GatewayKeeper } from "../../nodes/drivers/user-network/gateway-keeper.ts";
import { UserNetwork } from "../../nodes/drivers/user-network/network.ts";
import { PortFiles } from "../../nodes/drivers/user-network/port-files.ts";
import { SwitchKeeper } from "../../nodes/drivers/user-network/switch-keeper.ts";
import { switchPlace } from "../../nodes/drivers/user-network/switch-process.ts";
import { programFile } from "../../nodes/package/program-files.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { readSwitchApplied } from "../../nodes/switch/state.ts";
import type { MachineInterface } from "../../protocol/interface.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import type { GroupPicture, HostNetworking, NetworkPicture } from "../../protocol/networking.ts";
import { machineSpec, silentLog, temporaryDirectory } from "./driver-world.ts";
import type { TestGuest } from "./live-guest.ts";

const never = new AbortController().signal;
const ids = systemIds(0);
export const mtuBytes = 1_442;

/** Groups of the two projects: all may go out, and what comes from the project itself may come in. */
const groupOf = (project: string, members: readonly string[]): GroupPicture => {
  const none = { protocol: null, portMin: null, portMax: null, remoteCidr: null };
  return {
    id: `group-${project}`,
    rules: [
      { direction: "egress", ipVersion: 4, ...none, remoteGroupId: null },
      { direction: "ingress", ipVersion: 4, ...none, remoteGroupId: `group-${project}` },
    ],
    members: members.map((address) => `${address}/32`),
  };
};

export interface NetworkedGuest {
  readonly spec: MachineSpec;
  readonly project: string;
  readonly address: string;
  readonly plugs: readonly MachineInterface[];
}

/** The addresses of all projects are of the same range. */
export const networkOf = (project: string, guests: readonly NetworkedGuest[]): NetworkPicture => {
  const own = guests.filter((one) => one.project === project);
  return {
    ...{ id: `network-${project}`, number: project.length, mtuBytes },
    subnets: [
      {
        ...{ id: `subnet-${project}`, cidr: "10.9.0.0/24", gateway: null, dnsServers: [] },
        ...{ hostRoutes: [], dhcp: true },
      },
    ],
    ports: own.flatMap(({ plugs, spec, address }) =>
      plugs.map(({ portId, mac }) => ({
        ...{ id: portId, instanceId: spec.instanceId, mac, portSecurity: true, addressPairs: [] },
        addresses: [{ subnetId: `subnet-${project}`, address }],
        groupIds: [`group-${project}`],
      })),
    ),
  };
};

export function pictureOf(version: number, guests: readonly NetworkedGuest[]): HostNetworking {
  const projects = [...new Set(guests.map(({ project }) => project))];
  const addressesOf = (project: string) =>
    guests.flatMap((one) => (one.project === project ? [one.address] : []));
  return {
    version,
    networks: projects.map((project) => networkOf(project, guests)),
    groups: projects.map((project) => groupOf(project, addressesOf(project))),
  };
}

/** The guest also asks its host what it is called, until it is told. */
export const pinging = (addresses: readonly string[]): string => `#!/bin/sh
ask() {
  printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "$1" | nc -w 20 169.254.169.254 80 2>/dev/null | sed '1,/^.$/d'
}
(
  # It may run before the address has come.
  until name=$(ask /latest/meta-data/local-hostname) && [ -n "$name" ]; do usleep 200000; done
  echo "NOVACT-GUEST META name=$name userdata=$(ask /latest/user-data | wc -c)"
) &
round=0
while :; do
  round=$((round + 1))
  for address in ${addresses.join(" ")}; do
    answer=silent
    ping -c 1 -W 1 "$address" >/dev/null 2>&1 && answer=answers
    echo "NOVACT-GUEST PING $round $address $answer"
  done
  usleep 200000
done
`;

/** The picture of a host with some of the guests; the others are on the host with that underlay. */
export function pictureOfHost(
  version: number,
  own: readonly NetworkedGuest[],
  { host, guests }: { readonly host: string; readonly guests: readonly NetworkedGuest[] },
): HostNetworking {
  const { groups } = pictureOf(version, [...own, ...guests]);
  const far = pictureOf(version, guests).networks.map(({ id, ports }) => ({
    ...{ networkId: id, host },
    ports: ports.map((port) => ({
      ...{ id: port.id, mac: port.mac, addressPairs: [] },
      addresses: port.addresses.map(({ address }) => address),
    })),
  }));
  return { ...pictureOf(version, own), groups, far };
}

interface HostGiven {
  /** Guests ask for their addresses by DHCP; else they know them. */
  readonly asks?: boolean;
  /** Ports are published, also by root, whose guests' network is apart from the host's. */
  readonly publishes?: boolean;
  /** Of the operator's, that the guests' networks are on. Absent: they are on none. */
  readonly physicalNetwork?: string;
  /** Of a person who may log in. */
  readonly publicKey?: string;
  /** Networks outside to which it leads, also as root. */
  readonly outside?: readonly string[];
  /** A node of the same computer. Absent: the computer has no other. */
  readonly beside?: { readonly stateDirectory: string };
}

interface GuestGiven {
  /** The first three numbers of its address. */
  readonly range?: string;
  /** A script in the place of the one that pings. */
  readonly script?: string;
}

/**
 * `network`: an address of this computer as the underlay of the driver `user`, absent: the guests reach no
 * other host's; or another driver.
 */
export async function makeNetworkedHost(
  guest: TestGuest,
  network?: string | NetworkDriver,
  given: HostGiven = {},
) {
  const { asks = typeof network !== "object", publishes = false, publicKey, outside, beside } = given;
  const { physicalNetwork } = given;
  const place = await temporaryDirectory();
  const [imageStore, stateDirectory] = [join(place.path, "store"), join(place.path, "state")];
  const store = new ImageStore({ directory: imageStore, sources: [guest.directory] });
  const [kernel, ramdisk] = await Promise.all([
    store.registerFile({ path: guest.kernel }),
    store.registerFile({ path: guest.ramdisk }),
  ]);
  const hostId = beside === undefined ? "host" : "host-beside";
  const node = { hostId, stateDirectory, computerDirectory: beside?.stateDirectory ?? stateDirectory };
  const open = () => {
    const drivers = openDrivers({ ...node, imageStore }, network);
    const isOwn = publishes || outside !== undefined;
    return isOwn ? { ...drivers, network: ownNetwork(node, { publishes, outside }) } : drivers;
  };
  let drivers = open();
  const { shapes } = await drivers.hypervisor.capabilities();
  if (shapes === undefined) throw new Error("QEMU offers no shapes here.");
  const { versions, machineType, cpuModel } = shapes;
  const shape = { version: versions.at(-1) ?? 0, machineType, cpuModel };
  const imageOf = (address: string) => {
    const fixed = asks ? "" : ` guest.ip=${address}/24`;
    return { id: "tiny", disk: null, kernel, ramdisk, commandLine: `${guest.commandLine}${fixed}` };
  };
  const own = join(stateDirectory, "network");
  return {
    get drivers() {
      return drivers;
    },
    stateDirectory,
    makeGuest: (
      project: string,
      last: number,
      pings: readonly string[],
      { range = "10.9.0", script = pinging(pings) }: GuestGiven = {},
    ): NetworkedGuest => {
      const mac = `52:54:00:09:00:${last.toString(16).padStart(2, "0")}`;
      const networkId = `network-${project}`;
      const on = physicalNetwork === undefined ? {} : { physicalNetwork };
      const plugs = [{ portId: ids.next(), networkId, mac, mtuBytes, ...on }];
      const told = {
        ...{ hostname: `${project}-${last}`, availabilityZone: "nova", launchIndex: 0, metadata: {} },
        ...{
          publicKeys: publicKey === undefined ? [] : [{ name: "own", type: "ssh" as const, publicKey }],
          configDrive: true,
        },
        userData: Buffer.from(script).toString("base64"),
      };
      const address = `${range}.${last}`;
      const image = imageOf(address);
      const spec = machineSpec({ project, guest: told, shape, interfaces: plugs, image });
      return { spec, project, plugs, address };
    },
    /** As the agent's next life does; the one before ends without a word. */
    restartAgent: async () => {
      await drivers.network?.detach(false);
      await drivers.hypervisor.detach();
      drivers = open();
      await drivers.hypervisor.list();
    },
    start: (one: NetworkedGuest) => start(drivers, one),
    release: (one: NetworkedGuest) => release(drivers, one),
    apply: (version: number, guests: readonly NetworkedGuest[]) =>
      networkIn(drivers).apply(pictureOf(version, guests), never),
    applyPicture: (picture: HostNetworking) => networkIn(drivers).apply(picture, never),
    consoleOf: async ({ spec }: NetworkedGuest) =>
      (await drivers.consoles.read(spec.instanceId, { tailLines: 400 }))?.text ?? "",
    socketOf: ({ plugs }: NetworkedGuest) => join(own, "ports", plugs[0]?.portId ?? "", "s"),
    switchIs: () => readSwitchApplied(join(stateDirectory, "switch", "host", "applied.json")),
    gatewaysDirectory: join(own, "gateways"),
    exitsDirectory: join(own, "exits"),
    unpublished: () => networkIn(drivers).unpublished?.() ?? [],
    portFiles: () => readdir(join(own, "ports"), { recursive: true }),
    close: async () => {
      for (const { instanceId } of await drivers.hypervisor.list())
        await drivers.hypervisor.halt(instanceId, never);
      await drivers.hypervisor.detach();
      await drivers.network?.detach(true);
      await place.remove();
    },
  };
}
export type NetworkedHost = Awaited<ReturnType<typeof makeNetworkedHost>>;

interface Node {
  readonly hostId: string;
  readonly stateDirectory: string;
  readonly computerDirectory: string;
}

const openDrivers = (
  node: Node & { readonly imageStore: string },
  network: string | NetworkDriver | undefined,
): Drivers =>
  createDrivers(
    {
      hypervisor: { driver: "qemu", options: { accelerator: "tcg" } },
      disks: { driver: "files", options: {} },
      network:
        typeof network === "object"
          ? { driver: "tried", options: {} }
          : { driver: "user", options: network === undefined ? {} : { underlay: network } },
      volumes: undefined,
    },
    {
      ...{ ...node, hostName: "host" },
      ...{ clock: systemClock, ids, log: silentLog },
    },
    registryWith({
      ...{ hypervisors: {}, disks: {}, volumes: {} },
      networks: typeof network === "object" ? { tried: network } : {},
    }),
  );

/** As for an agent that is not root. */
function ownNetwork(
  { hostId, stateDirectory, computerDirectory }: Node,
  { publishes, outside }: { readonly publishes: boolean; readonly outside: readonly string[] | undefined },
): UserNetwork {
  const files = new PortFiles(stateDirectory, silentLog);
  const place = { ...switchPlace(computerDirectory, hostId), program: programFile("switch/main") };
  const keeper = new SwitchKeeper({ ...place, clock: systemClock }, silentLog);
  const directory = (name: string) => join(stateDirectory, "network", name);
  const { emulator } = qemuFacts.programs;
  const of = (name: string) => ({ directory: directory(name), emulator, clock: systemClock });
  const gateways = publishes ? new GatewayKeeper(of("gateways"), silentLog) : undefined;
  const exits = outside === undefined ? undefined : new ExitKeeper(of("exits"), silentLog);
  return new UserNetwork({ files, keeper, gateways, exits, hostId, log: silentLog, outside: outside ?? [] });
}

function networkIn({ network }: Drivers) {
  if (network === undefined) throw new Error("The host has no network.");
  return network;
}

async function start(drivers: Drivers, { spec }: NetworkedGuest) {
  const plugs = await plugIn(drivers.network, spec, never);
  const networks = async () => (await drivers.network?.picture?.())?.networks ?? [];
  const paths = await drivers.disks.ensure(spec, never, networks);
  return drivers.hypervisor.start(spec, { ...paths, ...plugs }, never);
}

async function release(drivers: Drivers, { spec, plugs }: NetworkedGuest): Promise<void> {
  await drivers.hypervisor.halt(spec.instanceId, never);
  for (const { portId } of plugs) await networkIn(drivers).releasePort(portId, spec.ownerEpoch, never);
  await drivers.disks.release(spec.instanceId);
}
