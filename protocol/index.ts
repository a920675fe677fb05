/**
 * The public names of the protocol, one by one: first for users of the SDK, then for those who build on it.
 */

export { Aggregate, AvailabilityZone, aggregateService, availabilityZoneService } from "./aggregate.ts";
export { ActorState, ControllerHalf, controllerService, LoopState } from "./controller.ts";
export { Event, eventNames, eventService } from "./event.ts";
export { Flavor, flavorService } from "./flavor.ts";
export { Drain, doctorService, Finding, Host, hostService, Rebalance } from "./host.ts";
export { Image, imageService } from "./image.ts";
export { Instance, instanceService } from "./instance.ts";
export { fieldLimits } from "./limits/fields.ts";
export { placementLimits } from "./limits/placement.ts";
export { wireLimits } from "./limits/wire.ts";
export { hostAgentService, reportService } from "./machine.ts";
export { Operation, operationService } from "./operation.ts";
export { Quota, quotaService } from "./quota.ts";
export { ServerGroup, serverGroupService } from "./server-group.ts";
export { instanceStates, operationStates } from "./states.ts";
export { type Binding, commandBinding, hostBinding, reportBinding } from "./wire/binding.ts";
export {
  type ClientCall,
  type ClientOptions,
  createClient,
  type Interceptor,
  type Invoke,
} from "./wire/client.ts";
export { decodeAnswer, decodeRequest, type Encoding, encodeBody } from "./wire/codec.ts";
export { headerNames } from "./wire/headers.ts";
export { deploymentOf } from "./wire/ids.ts";
export { type Code, codes, type Reason, reasons } from "./wire/reasons.ts";
export { type RetryOptions, retrying } from "./wire/retry.ts";
export {
  createServer,
  type Implementation,
  implement,
  type Server,
  type ServerOptions,
} from "./wire/server.ts";
export type { CallContext, CallOptions, Client, Handler, Handlers, Method, Service } from "./wire/service.ts";
export { type ErrorBody, StatusError } from "./wire/status.ts";
export type { Bus, BusHandler, BusMessage, BusSubscription, Clock, Ids, Log } from "./wire/transport.ts";
