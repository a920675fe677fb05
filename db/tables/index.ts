/** Every entity, one by one; the list that MikroORM is given. */
import { EventEntity, EventHeadEntity } from "./event.ts";
import { ExtensionRowEntity } from "./extension-row.ts";
import { HostEntity, HostLeaseEntity, HostNumaNodeEntity, HostSeenEntity, StorageEntity } from "./host.ts";
import { InstanceEntity } from "./instance.ts";
import { ClaimEntity, MachineEntity } from "./machine.ts";
import { CommitWriterEntity, OperationEntity, RequestEntity } from "./operation.ts";
import { AggregateChangeEntity, AggregateHostEntity, QuotaEntity } from "./placement.ts";
import { ResourceTableEntity, resourceEntities } from "./resources.ts";

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
  StorageEntity,
  EventEntity,
  EventHeadEntity,
  AggregateHostEntity,
  AggregateChangeEntity,
  QuotaEntity,
  ResourceTableEntity,
  ExtensionRowEntity,
  ...resourceEntities.values(),
];
