/**
 * What drivers a host has, by kind, and what its hypervisor can do: as the drivers of this release do it, not
 * as the programs behind them could. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { storageLimits } from "./limits/storage.ts";
import { HostText, HostWord, hostWords, upTo } from "./offered.ts";
import { OfferedShapes } from "./shape.ts";
import { OfferedVolumeStorage } from "./volume-storage.ts";
import { answer, nullable } from "./wire/schema.ts";

/** More kinds of devices than a hypervisor will ever have. */
const deviceKindsMax = 16;

export const HostDrivers = answer({
  /** Their names in cluster.yaml. Null: the host has no driver of that kind. */
  hypervisor: HostWord,
  disks: HostWord,
  network: nullable(HostWord),
  volumes: nullable(HostWord),
  abilities: answer({
    /** What an interface of a guest can be plugged into: `stream`, `tap`, `macvtap`; empty: no network. */
    networks: hostWords(deviceKindsMax),
    /** What can be a guest's volume: `file`, `device`; empty: guests have no volumes. */
    volumes: hostWords(deviceKindsMax),
    hotPlug: Type.Boolean(),
    liveMigration: Type.Boolean(),
    console: Type.Boolean(),
    save: Type.Boolean(),
    /** Whether a guest can be told about itself by a drive of its own. Absent: it cannot. */
    configDrive: Type.Optional(Type.Boolean()),
    /** Whether guests can have ephemeral and swap disks. Absent: they cannot. */
    localDisks: Type.Optional(Type.Boolean()),
  }),
  /**
   * What bounds the processes of a guest, and stops all of them at once: `v1` and `v2` are cgroups of that
   * version; of `none`, `why` is the reason. Absent: the hypervisor has no processes to bound, or the agent
   * is of before.
   */
  bounding: Type.Optional(
    answer({ memory: HostWord, processes: HostWord, cpu: HostWord, freezer: HostWord, why: HostText }),
  ),
  /** Absent: its guests have none that lasts, or the agent is of before. */
  shapes: Type.Optional(OfferedShapes),
  /** Absent: the host has no network driver, or the agent is of before. */
  networking: Type.Optional(
    answer({
      /** Packets of a larger MTU are not carried. */
      mtuBytesMax: upTo(networkLimits.mtuBytesMax),
      /** Whether its guests and those of other computers reach each other. */
      spansHosts: Type.Boolean(),
      /** The address to which other hosts send frames for its guests, by VXLAN; null: none do. */
      underlay: nullable(IpAddress),
      /** Whether ports of the host can lead to guests. Absent: they cannot. */
      publishes: Type.Optional(Type.Boolean()),
      /** Networks of the operator's into which it plugs guests. Absent: none. */
      physicalNetworks: Type.Optional(hostWords(networkLimits.physicalNetworksMax)),
      /** Whether networks under a number are carried as well. Absent: they are. */
      overlays: Type.Optional(Type.Boolean()),
      /** Whether ports with `portSecurity` are filtered. Absent: they are. */
      filters: Type.Optional(Type.Boolean()),
      /** Whether guests can be plugged in while they run. Absent: they can. */
      hotPlug: Type.Optional(Type.Boolean()),
      /** Networks of the operator's to which its routers lead. Absent: it does not route at all. */
      outside: Type.Optional(
        Type.Array(
          answer({
            physicalNetwork: HostWord,
            /** Whether floating addresses answer there. */ floating: Type.Boolean(),
          }),
          { maxItems: networkLimits.physicalNetworksMax },
        ),
      ),
      /** Whether it keeps the bandwidth limits of ports. Absent: it does not. */
      limits: Type.Optional(Type.Boolean()),
      /** The reason for this driver. Absent: the configuration names the driver. */
      why: Type.Optional(HostText),
    }),
  ),
  /**
   * Storages of volumes that it shares with other hosts, beside that of its disks. Absent: not all of its
   * storages have answered yet, so that what is known of them stays; or the agent is of before.
   */
  volumeStorages: Type.Optional(
    Type.Array(OfferedVolumeStorage, { maxItems: storageLimits.volumeStoragesPerHostMax }),
  ),
});
export type HostDrivers = Static<typeof HostDrivers>;

/** Whether the host can open ports that lead to guests. */
export const canPublish = (drivers: HostDrivers | null | undefined): boolean =>
  canPlug(drivers) && drivers?.networking?.publishes === true;

/** Whether the host keeps the bandwidth limits of ports. */
export const canLimit = (drivers: HostDrivers | null | undefined): boolean =>
  canPlug(drivers) && drivers?.networking?.limits === true;

/**
 * Whether guests of the host can be plugged into networks; the agent of a host without drivers is of before,
 * and cannot.
 */
export const canPlug = (drivers: HostDrivers | null | undefined): boolean =>
  typeof drivers?.network === "string" && drivers.abilities.networks.length > 0;

/** Whether guests of the host can have volumes. */
export const canHaveVolumes = (drivers: HostDrivers | null | undefined): boolean =>
  drivers?.abilities.volumes.includes("file") === true;

interface SeeingHost {
  /** The shared storage of its guests' disks. */
  readonly storageId: string | null;
  readonly drivers?: HostDrivers | null | undefined;
}

/** The storages that it shares with other hosts, as its disks are on one and its volumes may be on more. */
export const storagesSeenBy = ({ storageId, drivers }: SeeingHost): readonly string[] => [
  ...(storageId === null ? [] : [storageId]),
  ...(drivers?.volumeStorages ?? []).map(({ id }) => id).filter((id) => id !== storageId),
];

/** Whether the host sees this storage that hosts share. */
export const seesStorage = ({ storageId, drivers }: SeeingHost, id: string): boolean =>
  storageId === id || drivers?.volumeStorages?.some((one) => one.id === id) === true;

/** Whether guests of the host can be on this network of the operator's; null: on any other network. */
export const canCarry = (
  drivers: HostDrivers | null | undefined,
  physicalNetwork: string | null,
): boolean => {
  const networking = drivers?.networking;
  if (physicalNetwork === null) return networking?.overlays !== false;
  return networking?.physicalNetworks?.includes(physicalNetwork) === true;
};

/** What a host's row says of its storages. */
export interface TellingHost extends SeeingHost {
  readonly diskGib: number;
}

/**
 * How large each storage is that the host shares with others, by its own word: that of its disks, and those
 * that it has for volumes alone. As db/rules/storage/storages-told.sql.
 */
export function storagesToldBy({
  storageId,
  diskGib,
  drivers,
}: TellingHost): readonly { readonly id: string; readonly gib: number }[] {
  const others = (drivers?.volumeStorages ?? []).filter(({ id }) => id !== storageId);
  return [
    ...(storageId === null ? [] : [{ id: storageId, gib: diskGib }]),
    ...others.map(({ id, sizeGib }) => ({ id, gib: sizeGib })),
  ];
}
