/**
 * What a guest is told, as the documents that cloud-init and its kin read: OpenStack's (config-2), those of
 * NoCloud, and Amazon's for old images. One pure function of the instance, its keys, its ports and its user
 * data; the config drive and whoever answers the guest by HTTP only serve them. Same facts, same bytes: there
 * is no seed in them (the guest has a virtio device for randomness), so that a drive can be made anew and
 * compared.
 */
import type { GuestData } from "../../../protocol/guest-data.ts";
import { networkConfig } from "./network-config.ts";
import { networkData } from "./network-data.ts";
import type { GuestPort } from "./port.ts";

export interface Told {
  readonly instanceId: string;
  readonly project: string;
  readonly name: string;
  readonly data: GuestData;
  /** In the order in which the guest has them. Empty: the guest is told nothing of networks. */
  readonly ports: readonly GuestPort[];
}

/** The bytes by their path. */
export type Documents = ReadonlyMap<string, Uint8Array>;

/** Source: openstack/nova, nova/api/metadata/base.py; readers take the newest that they know. */
const openStackVersions = [
  ...["2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06"],
  ...["2017-02-22", "2018-08-27", "2020-10-14", "latest"],
] as const;
/** Of Amazon's; cloud-init asks for the first. */
export const amazonVersions = ["2009-04-04", "latest"] as const;

/**
 * /etc/hosts must have the guest's name, or sudo complains and `hostname -f` fails; cloud-init writes it only
 * when it is told to.
 */
const vendorData = { "cloud-init": "#cloud-config\nmanage_etc_hosts: true\n" };

/** All documents of a guest: `openstack/…`, `ec2/…`, and those of NoCloud at the top. */
export function documentsOf(told: Told): Documents {
  return new Map([...openStack(told), ...amazon(told), ...noCloud(told)]);
}

type Document = readonly [path: string, bytes: Uint8Array];

/**
 * Without ports no network is described: a description with none in it would leave the guest without any,
 * while a guest that is told nothing asks by DHCP.
 */
function openStack(told: Told): readonly Document[] {
  const { ports } = told;
  const userData = userDataOf(told);
  const documents: readonly Document[] = [
    ["meta_data.json", json(metaData(told))],
    ["vendor_data.json", json(vendorData)],
    ["vendor_data2.json", json({})],
    ...(ports.length === 0 ? [] : [["network_data.json", json(networkData(ports))] as const]),
    ...(userData === undefined ? [] : [["user_data", userData] as const]),
  ];
  return openStackVersions.flatMap((version) => under(`openstack/${version}`, documents));
}

function metaData({ instanceId, project, name, data }: Told) {
  const { hostname, availabilityZone, launchIndex, metadata, publicKeys } = data;
  return {
    uuid: instanceId,
    name,
    hostname,
    availability_zone: availabilityZone,
    project_id: project,
    launch_index: launchIndex,
    public_keys: Object.fromEntries(publicKeys.map((key) => [key.name, key.publicKey])),
    keys: publicKeys.map((key) => ({ name: key.name, type: key.type, data: key.publicKey })),
    meta: metadata,
    devices: [],
  };
}

/** A value, or more of the same. */
export interface AmazonMetaData {
  readonly [name: string]: string | number | AmazonMetaData;
}

function amazon(told: Told): readonly Document[] {
  const userData = userDataOf(told);
  const documents: readonly Document[] = [
    ["meta-data.json", json(amazonMetaData(told))],
    ...(userData === undefined ? [] : [["user-data", userData] as const]),
  ];
  return amazonVersions.flatMap((version) => under(`ec2/${version}`, documents));
}

/** Each field is a path below `meta-data/` where it is served by HTTP (served.ts). */
export function amazonMetaData(told: Told): AmazonMetaData {
  const { instanceId, data, ports } = told;
  const [address] = ports.flatMap(({ address4 }) => address4 ?? []);
  return {
    "ami-launch-index": data.launchIndex,
    hostname: data.hostname,
    "instance-id": instanceId,
    "local-hostname": data.hostname,
    ...(address === undefined ? {} : { "local-ipv4": address }),
    placement: { "availability-zone": data.availabilityZone },
    "public-keys": Object.fromEntries(
      sshKeys(told).map(({ name, publicKey }, index) => [
        String(index),
        { _name: `${index}=${name}`, "openssh-key": publicKey },
      ]),
    ),
  };
}

/** JSON is YAML. NoCloud is not found without user data, so there is always some. */
function noCloud(told: Told): readonly Document[] {
  const { instanceId, data, ports } = told;
  const keys = sshKeys(told).map(({ publicKey }) => publicKey);
  return [
    ["meta-data", json({ "instance-id": instanceId, "local-hostname": data.hostname, "public-keys": keys })],
    ["user-data", userDataOf(told) ?? new Uint8Array()],
    ["vendor-data", text(vendorData["cloud-init"])],
    ...(ports.length === 0 ? [] : [["network-config", json(networkConfig(ports))] as const]),
  ];
}

/** The keys that log in by ssh; a certificate is for Windows, which reads OpenStack's documents. */
const sshKeys = ({ data }: Told) => data.publicKeys.filter(({ type }) => type === "ssh");

function userDataOf({ data }: Told): Uint8Array | undefined {
  return data.userData === null ? undefined : Buffer.from(data.userData, "base64");
}

const under = (directory: string, documents: readonly Document[]): readonly Document[] =>
  documents.map(([name, bytes]) => [`${directory}/${name}`, bytes]);

const text = (value: string): Uint8Array => Buffer.from(value, "utf8");

/** Indented, so that a shell without a parser finds a field on a line of its own. */
const json = (value: unknown): Uint8Array => text(`${JSON.stringify(value, undefined, 2)}\n`);
