/** The handlers of every resource, by its name in the SDK; one that is missing does not compile. */
import type { resourceServices } from "../../../protocol/resources.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { type AggregateOptions, aggregateHandlers } from "./aggregates.ts";
import { flavorHandlers } from "./flavors.ts";
import type { ImageOptions } from "./image-registration.ts";
import { imageHandlers } from "./images.ts";
import { keyPairHandlers } from "./key-pairs.ts";
import { type NetworkingOptions, networkingHandlers } from "./networks/handlers.ts";
import { serverGroupHandlers } from "./server-groups.ts";
import { type VolumeOptions, volumeHandlers } from "./volumes/volumes.ts";

type AllHandlers = {
  readonly [K in keyof typeof resourceServices]: Handlers<(typeof resourceServices)[K]>;
};

export const resourcesHandlers = (
  options: AggregateOptions & ImageOptions & NetworkingOptions & VolumeOptions,
): AllHandlers => ({
  flavor: flavorHandlers(options),
  image: imageHandlers(options),
  aggregate: aggregateHandlers(options),
  serverGroup: serverGroupHandlers(options),
  keyPair: keyPairHandlers(options),
  ...networkingHandlers(options),
  volume: volumeHandlers(options),
});
