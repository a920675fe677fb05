/**
 * What the fields of the protocol are for, as far as name and type do not say it. Keys are checked to exist.
 */
const wait =
  "Answer only when the operation has ended, or shortly before the deadline (then it is still `running`).";
const limit = "Entries of this page, at most.";
const marker = "Only entries after this id: `nextMarker` of the page before.";
const nextMarker = "Send this as `marker` for the next page; absent on the last page.";
const waited =
  "A long poll: when there is nothing new yet, wait at most this time. Set `Novact-Timeout-Ms` higher.";

const commands = ["start", "stop", "reboot", "pause", "unpause", "delete", "evacuate"];

export const notes: Readonly<Record<string, string>> = {
  "instance.create.name": "Need not be unique.",
  "instance.create.flavor": "Id or name.",
  "instance.create.image": "Id or name.",
  "instance.create.count":
    "Makes several instances, all or none; names get a suffix -1, -2, …, the longest of which must fit.",
  "instance.create.atLeast":
    "With `count`: makes as many as hosts and quota have room for, and none if that is fewer than this.",
  "instance.create.availabilityZone": "Only hosts of this zone.",
  "instance.create.serverGroup": "Id or name of one of the project's groups.",
  "instance.create.hints":
    "Ids of the project's instances: only hosts with one of `sameHost` and none of `differentHost`.",
  "instance.create.host": "Id or name; only in the project `admin`.",
  "instance.create.recovery":
    "What happens when the guest goes down without being asked; absent: `restart` with priority 0.",
  "instance.create.wait": wait,
  "instance.create.answer.all":
    "With `count`: the instances made, up to `createListedMax`; the first is `instance` and `operation`.",
  "instance.create.answer.more": "The instances beyond `createListedMax`; `wait` waits for these as well.",
  ...Object.fromEntries(commands.map((command) => [`instance.${command}.wait`, wait])),
  "instance.stop.mode":
    "`graceful` (default) presses the power button and halts after `timeoutMs`; `hard` halts at once.",
  "instance.stop.timeoutMs": "How long the guest may take to shut down by itself; 60000 unless said.",
  "instance.reboot.mode": "`soft` (default) asks the guest and falls back to `hard`; `hard` resets it.",
  "instance.list.limit": limit,
  "instance.list.marker": marker,
  "instance.list.metadata": "Only instances that have all of these pairs.",
  "instance.list.deleted": "Deleted instances as well, as long as they are kept.",
  "instance.list.answer.nextMarker": nextMarker,
  "instance.console.offset": "Byte position to read from; absent: the beginning of what is kept.",
  "instance.console.tailLines": "Only the last lines. Not together with `offset`.",
  "instance.console.waitMs": waited,
  "instance.console.answer.offset":
    "Position of the text's first byte; greater than what was asked for when the log was trimmed.",
  "instance.console.answer.nextOffset": "Ask for this position next.",
  "instance.console.answer.more": "More text is there already: ask again without waiting.",
  "instance.explain.answer.waitingFor":
    "A sentence for each thing; empty when the instance waits for nothing.",
  "operation.get.waitMs":
    "Answer only when the operation has ended, or after this time. Set `Novact-Timeout-Ms` higher.",
  "operation.list.limit": limit,
  "operation.list.marker": marker,
  "operation.list.answer.nextMarker": nextMarker,
  "event.list.after":
    "Only events after this number; 0: from the oldest kept. Absent: no events, only `last`.",
  "event.list.limit": limit,
  "event.list.waitMs": waited,
  "event.list.answer.last": "Send this as the next `after`: no event up to this number was left out.",
  "event.list.answer.trimmed":
    "Events up to this number are no longer kept: if it is greater than your `after`, you missed some.",
  "flavor.list.limit": limit,
  "flavor.list.marker": marker,
  "flavor.list.answer.nextMarker": nextMarker,
  "flavor.create.diskGib": "Size of the root disk; 0 takes the image's own.",
  "flavor.create.extraSpecs": "Each pair is read by the scheduler filter that knows its key.",
  "aggregate.list.limit": limit,
  "aggregate.list.marker": marker,
  "aggregate.list.answer.nextMarker": nextMarker,
  "aggregate.set.availabilityZone": "null removes the zone; absent keeps it.",
  "aggregate.set.metadata": "Pairs to set; null removes a pair, other pairs stay.",
  "aggregate.addHost.host": "Id or name.",
  "aggregate.removeHost.host": "Id or name.",
  "server-group.create.maxPerHost": "Only with `anti-affinity`; one when absent.",
  "server-group.list.limit": limit,
  "server-group.list.marker": marker,
  "server-group.list.answer.nextMarker": nextMarker,
  "image.list.limit": limit,
  "image.list.marker": marker,
  "image.list.answer.nextMarker": nextMarker,
  "image.register.disk": "Needed unless there is a kernel. The path is on the controller's computer.",
  "image.register.commandLine": "For the kernel.",
  "host.list.limit": limit,
  "host.list.marker": marker,
  "host.list.answer.nextMarker": nextMarker,
  "host.get.answer.drain": "Present while the host is drained.",
  "host.drain.reason": "Shown to operators.",
  "host.drain.parallelism": "Instances that leave at the same time; 4 unless said.",
  "host.drain.answer.drain": "The drain as it began.",
  "host.fence.confirm": "The host's name, typed again.",
  "host.fence.reason": "Why it is sure that the host is off: your signed word. Needed unless `power`.",
  "host.fence.power":
    "The controller of the host's power switches it off; that is the proof. Set `Novact-Timeout-Ms` to 75000.",
  "host.fence.claimedBy": "Who you are, for whoever reads it later; nobody checks it.",
  "host.fence.force": "Fence although the host was heard a moment ago.",
  "host.rebalance.moves": "Moves to propose, at most; 10 unless said.",
  "doctor.examine.answer.findings": "Empty on a healthy cluster.",
  "doctor.examine.answer.compared": "How many of each kind were compared.",
  "Instance.state": "What a user sees; see *States*.",
  "Instance.desired": "What was asked for last.",
  "Instance.generation": "Raised by every accepted command.",
  "Instance.machine": "What the host saw last; null before the first report.",
  "Instance.operationId": "The operation under way; null when there is none.",
  "Instance.failure": "Why the state is `failed`.",
  "Operation.percent": "Steps done, of all steps.",
  "Operation.requestId": "The request id of the command that began the operation.",
  "Operation.deadlineAtMs": "The operation ends by then, done or with an error.",
  "Operation.error": "Why the operation `failed` or was `cancelled`.",
  "Event.sequence": "1, 2, 3, … over the whole cell, without gaps, in the order of the commits.",
  "Event.event": "In the past tense; see *Events*.",
  "Event.requestId": "The request id of the command that caused the event.",
  "Event.body": "The event's fields; more may be added.",
  "Flavor.diskGib": "0: the image's own size.",
  "Image.commandLine": "For the kernel.",
  "Instance.serverGroupId": "The instance is a member until it is deleted.",
  "Instance.availabilityZone": "The zone that was asked for; null: any.",
  "Aggregate.availabilityZone": "The zone of its hosts, each of which is in one zone at most; null: none.",
  "AvailabilityZone.available": "A host of the zone is alive and enabled.",
  "AvailabilityZone.hosts": "Only in the project `admin`.",
  "ServerGroup.policy":
    "`affinity`: all on one host. `anti-affinity`: each on its own. Both hold at every commit; `soft-` only prefers.",
  "ServerGroup.maxPerHost": "With `anti-affinity`: members that may be on one host; null: one.",
  "ServerGroup.members": "Instances that are not deleted, in order of their ids; the first 1000.",
  "Quota.limits": "The limits that were set.",
  "Quota.effective": "The limits that hold: the defaults where none was set. -1: no limit.",
  "Quota.used": "Used by instances that are not deleted, stopped and failed ones included.",
  "QuotaLimits.instances": "null: the default; -1: no limit.",
  "QuotaLimits.vcpus": "null: the default; -1: no limit.",
  "QuotaLimits.memoryMib": "null: the default; -1: no limit.",
  "Instance.recovery": "What becomes of it when it goes down without being asked; absent: an older server.",
  "Host.lease":
    "Its right to run guests that others may take over; null or absent: none, and nothing of it is taken over.",
  "Host.draining": "Since when its instances go elsewhere; null or absent: the host is not drained.",
  "Drain.moving": "Instances asked to leave that still hold a claim here, or wait for another host.",
  "Drain.moved":
    "Instances that were here when the drain began, and are elsewhere now, or stopped and on no host.",
  "Drain.deleted": "Instances deleted since the drain began. Absent: not known; they count as moved.",
  "Drain.left": "Instances that will be asked to leave.",
  "Drain.cannot": "Instances that cannot leave as things are, and why; the first 100.",
  "Drain.staying": "Number of instances that cannot leave.",
  "Rebalance.spreadBefore": "Standard deviation of the hosts' loads, 0 to 1.",
  "Rebalance.moves": "In the order in which they are to be made.",
  "Rebalance.unmovable": "Number of instances that may not be moved, by reason.",
  "Host.availabilityZone": "The zone of its aggregates; null: none.",
  "Host.labels": "`nodes[].labels` of the node's configuration.",
  "Host.features": "Flags of the host's CPUs.",
  "Host.machineTypes": "Machine types of the host's hypervisor.",
  "Host.storageId": "Hosts with the same storage id can open each other's disks.",
  "Host.failedBuilds":
    "Builds failed in a row by its own fault; at 10, of two projects and images, it is disabled (a third of hosts at most).",
  "Host.ioOps": "Builds under way.",
  "Host.generation": "Raised by every change of what the host says about itself.",
  "Host.accelerator": "`kvm`, `tcg` or `none`.",
  "Host.acceleratorReason": "Why this accelerator.",
  "Host.capacity": "Times the overcommit ratios; claims never exceed it.",
  "Host.alive": "The host was heard from lately.",
  "HostVerdict.filters":
    "For each filter that the request concerns: true, or why the filter refuses the host.",
  "HostVerdict.weights": "For each weigher with a weight: -1 to 1, times its multiplier.",
  "HostVerdict.remedy": "What would make the host fit; absent when it fits.",
  "Finding.next": "What to do about it.",
  "Error.next": "What to do about it.",
  "Error.retryAfterMs": "Repeat the request after this time.",
  "Error.details": "Further facts, such as what each filter said of each host.",
  "Error.causes": "The errors that led to this one, outermost first.",
  "host-agent.ensure.observedGeneration":
    "The newest generation of this machine a controller has seen: a host that lost its file counts on from there.",
  "host-agent.removeSharedDisks.answer.removed":
    "The others are of machines that this host has itself: they go with these.",
  "report.heartbeat.complete":
    "`machines` is everything the host has; else only what changed and is not known to be stored.",
  "report.heartbeat.answer.known": "False: register again.",
  "report.heartbeat.answer.stored": "Whose observations are durable now; the others are to be sent again.",
  "report.heartbeat.leaseEpoch":
    "Of the lease that it held when it said so: what is remembered of one before is old. Absent: 0, none.",
  "report.lease.epoch": "Of the lease it believes to have; 0 when it knows of none.",
  "report.lease.cleaned":
    "No guest of that lease that another host may take over has a process there any more.",
  "report.lease.answer.held":
    "Renewed, for 10 s from before the request was sent. False: it was fenced; clean up, then ask again.",
  "HostInventory.leases": "It keeps to leases. Absent: false, and nobody takes its guests over.",
  "HostInventory.storageId":
    "Hosts with the same one can open each other's disks. Absent: its disks are its own.",
  "HostInventory.labels": "Words of its configuration. Absent: none.",
  "HostInventory.features": "Flags of its CPUs. Absent: none are known.",
  "HostInventory.machineTypes": "What its hypervisor can pretend to be. Absent: not known.",
  "HostInventory.binds":
    "Guests get the CPUs, cells and pages that they are given. Absent: false, and its cells are not offered.",
  "HostInventory.numa": "Absent: one cell, of which nothing is known.",
  "MachineSpec.fence":
    "Another host may take it over: it runs only under the lease it was claimed under. Absent: false.",
  "MachineSpec.storageId": "The shared storage that its disk is in. Absent: its host's own directory.",
  "MachineSpec.takesOverDisk":
    "Its disk is there, left by an older epoch on another host, and never made anew. Absent: false.",
  "MachineSpec.machineType":
    "The image's `hw_machine_type`; said by `ensureBound` alone while it shall be there. Absent: its host's choice.",
  "ImageProperties.extra":
    "In Nova's names: `trait:…` and `hw_machine_type` choose hosts; `hw_architecture`, `img_hv_type` set these fields.",
  "MachineSpec.numa":
    "What it has of its host's cells; said by `ensureBound` alone while it shall be there. Absent: nothing of its own.",
  "host-agent.ensureBound.leaseEpoch": "As of `ensureLeased`. Absent: 0, it needs no lease.",
  "NumaPlacement.dedicated": "Its CPUs are nobody else's.",
  "NumaPlacement.cells": "Its own NUMA nodes, in this order; `cell` is the position in the host's `numa`.",
  "NumaUse.memoryMib": "In ordinary pages.",
  "Host.pinnedCpus": "CPUs that guests have to themselves, a part of the vCPUs claimed.",
  "Host.numaClaimed": "What is claimed of each of `numa`; the last ones may be missing.",
  "MachineSpec.recovery":
    "What its host does when its process has died, or the host was down: `leave` starts nothing. Absent: `restart`.",
  "MachineIntent.keepDisk":
    "With power `deleted`: the disk on shared storage is another host's by now. Absent: false.",
  "MachineSpec.epoch": "Raised with every change of owner: an older owner has nothing to say any more.",
  "MachineIntent.generation": "The newest counts, whatever came before it.",
  "MachineIntent.resetCount":
    "Resets asked for, all in all; the machine resets once when its own count is lower.",
  "MachineIntent.startCount":
    "Starts asked for, all in all; a new one renews the patience with a crashing guest.",
  "Observation.generation": "Raised by the host alone, with every change.",
  "Observation.intentGeneration": "The intent that was acted on last.",
};

/** The limits that a client meets, and what each bounds. */
export const limitNotes: Readonly<Record<string, string>> = {
  bodyBytesMax: "bytes of a client's request body",
  answerBytesMax: "bytes of an answer, and of bodies between nodes",
  headerBytesMax: "bytes of all headers of one message",
  bodyDepthMax: "levels of maps and arrays in a body",
  requestIdLengthMax: "characters of a request id",
  timeoutMsDefault: "ms until the deadline, when the request names none",
  timeoutMsMax: "ms; a later deadline counts as this one",
  waitMsMax: "ms that one long poll may ask to wait",
  pageLengthDefault: "entries of one page of a list, when the request names none",
  pageLengthMax: "entries of one page of a list",
  consolePageBytesMax: "bytes of console text in one answer",
  consoleLogBytesMax: "bytes of console log that are kept",
  createCountMax: "instances of one create",
  createListedMax: "instances that the answer to one create has in full",
  requestKeptMs: "ms that a request id is remembered, and answered alike",
  tombstoneKeptMs: "ms that deleted instances can still be read",
  eventKeptMs: "ms that events can be replayed",
  requestsInWorkPerProjectMax: "requests of one project under way at one controller",
};
