/** Every entity, one by one; the list that MikroORM is given. */
import { FlavorEntity, ImageEntity } from "./catalog.ts";
import { EventEntity, EventHeadEntity } from "./event.ts";
import { HostEntity, HostLeaseEntity, HostNumaNodeEntity, HostSeenEntity } from "./host.ts";
import { InstanceEntity } from "./instance.ts";
import { ClaimEntity, MachineEntity } from "./machine.ts";
import { CommitWriterEntity, OperationEntity, RequestEntity } from "./operation.ts";
import {
  AggregateChangeEntity,
  AggregateEntity,
  AggregateHostEntity,
  QuotaEntity,
  ServerGroupEntity,
} from "./placement.ts";

export const entities = [
  InstanceEntity,
  MachineEntity,
  ClaimEntity,
  OperationEntity,
  RequestEntity,
  CommitWriterEntity,
  HostEntity,
  HostSeenEntity,
  HostNumaNodeEntity,
  HostLeaseEntity,
  EventEntity,
  EventHeadEntity,
  FlavorEntity,
  ImageEntity,
  AggregateEntity,
  AggregateHostEntity,
  AggregateChangeEntity,
  ServerGroupEntity,
  QuotaEntity,
];
