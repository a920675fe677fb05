/**
 * Every resource and its service, by its name in the SDK: tables, quotas, names of events, completion, and
 * the specs that try all of them read this list. A new resource is a file beside this one, and two lines
 * here.
 */
import { aggregate, aggregateService } from "./aggregate.ts";
import { flavor, flavorService } from "./flavor.ts";
import { floatingIp, floatingIpService, floatingTarget } from "./floating-ip.ts";
import { image, imageMember, imageService } from "./image.ts";
import { keyPair, keyPairService } from "./key-pair.ts";
import { network, networkService, subnet, subnetService } from "./network.ts";
import { address, groupMembership, plug, port, portService } from "./port.ts";
import { publishedPort, publishedPortService } from "./published-port.ts";
import { router, routerInterface, routerService } from "./router.ts";
import {
  securityGroup,
  securityGroupRule,
  securityGroupRuleService,
  securityGroupService,
} from "./security-group.ts";
import { serverGroup, serverGroupService } from "./server-group.ts";
import { deletedVolume, volume, volumeService } from "./volume.ts";
import { volumeCopy } from "./volume-copy.ts";
import type { Resource } from "./wire/resource.ts";

export const resources = {
  flavor,
  image,
  aggregate,
  serverGroup,
  keyPair,
  network,
  subnet,
  port,
  securityGroup,
  securityGroupRule,
  publishedPort,
  router,
  floatingIp,
  volume,
} as const;

/** Rows that belong to those of others, and are seen in them alone: they have no service. */
export const innerResources = {
  imageMember,
  address,
  groupMembership,
  plug,
  routerInterface,
  floatingTarget,
  deletedVolume,
  volumeCopy,
} as const;

export const resourceServices = {
  flavor: flavorService,
  image: imageService,
  aggregate: aggregateService,
  serverGroup: serverGroupService,
  keyPair: keyPairService,
  network: networkService,
  subnet: subnetService,
  port: portService,
  securityGroup: securityGroupService,
  securityGroupRule: securityGroupRuleService,
  publishedPort: publishedPortService,
  router: routerService,
  floatingIp: floatingIpService,
  volume: volumeService,
} as const satisfies Record<keyof typeof resources, object>;

/** The resources of which a project may have only so many, by the field that holds them. */
export type LimitedName = {
  [K in keyof typeof resources]: (typeof resources)[K] extends { limit: object }
    ? (typeof resources)[K]["many"]
    : never;
}[keyof typeof resources];

type LimitedResource = Resource & {
  readonly many: LimitedName;
  readonly limit: NonNullable<Resource["limit"]>;
};

const isLimited = (one: Resource): one is LimitedResource => one.limit !== undefined;

export const limitedResources: readonly LimitedResource[] =
  Object.values<Resource>(resources).filter(isLimited);

/** What a quota limits of all rows of a resource together. */
export const summedLimits = [{ ...volume.limit.sum, resource: volume }] as const;

/** Their names. */
export type SummedName = (typeof summedLimits)[number]["name"];
