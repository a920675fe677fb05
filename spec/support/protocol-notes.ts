/**
 * What the fields of the protocol are for, as far as name and type do not say it. Keys are checked to exist.
 */
const wait =
  "Answer only when the operation has ended, or shortly before the deadline (then it is still `running`).";
const limit = "At most so many.";
const marker = "Only what comes after this id: `nextMarker` of the page before.";
const nextMarker = "Ask with this as `marker` for the next page; absent on the last one.";
const waited =
  "When there is nothing yet, wait so long for it (a long poll). Set `Novact-Timeout-Ms` higher.";

const commands = ["start", "stop", "reboot", "pause", "unpause", "delete", "evacuate"];

export const notes: Readonly<Record<string, string>> = {
  "instance.create.name": "Need not be unique.",
  "instance.create.flavor": "Id or name.",
  "instance.create.image": "Id or name.",
  "instance.create.count":
    "More than one at once, all or none; names get a suffix -1, -2, …, the longest of which must fit.",
  "instance.create.atLeast":
    "With `count`: as many of them as hosts and quota have room for, but so many at least.",
  "instance.create.availabilityZone": "Only hosts of this zone.",
  "instance.create.serverGroup": "Id or name of one of the project's groups.",
  "instance.create.hints":
    "Ids of the project's instances: hosts that one of these is on, and that none of those is on.",
  "instance.create.host": "Id or name; only in the project `admin`.",
  "instance.create.recovery":
    "What becomes of it when it goes down without being asked; absent: `restart` with priority 0.",
  "instance.create.wait": wait,
  "instance.create.answer.all":
    "All of them, when `count` was given, up to `createListedMax`; the first is `instance` and `operation`.",
  "instance.create.answer.more": "The others, when there are more; `wait` waits for them as well.",
  ...Object.fromEntries(commands.map((command) => [`instance.${command}.wait`, wait])),
  "instance.stop.mode":
    "`graceful` (default) presses the power button and halts after `timeoutMs`; `hard` halts at once.",
  "instance.stop.timeoutMs": "How long the guest may take to shut down by itself; 60000 unless said.",
  "instance.reboot.mode": "`soft` (default) asks the guest and falls back to `hard`; `hard` resets it.",
  "instance.list.limit": limit,
  "instance.list.marker": marker,
  "instance.list.metadata": "Has all of these pairs.",
  "instance.list.deleted": "Deleted ones as well, as long as they are remembered.",
  "instance.list.answer.nextMarker": nextMarker,
  "instance.console.offset": "Byte position to read from; absent: the beginning of what is kept.",
  "instance.console.tailLines": "Only the last lines. Not together with `offset`.",
  "instance.console.waitMs": waited,
  "instance.console.answer.offset":
    "Position of the text's first byte; greater than what was asked for when the log was trimmed.",
  "instance.console.answer.nextOffset": "Ask for this position next.",
  "instance.console.answer.more": "More is there already: ask on without waiting.",
  "instance.explain.answer.waitingFor": "One sentence each; empty when it waits for nothing.",
  "operation.get.waitMs":
    "Answer only when the operation has ended, or after this time. Set `Novact-Timeout-Ms` higher.",
  "operation.list.limit": limit,
  "operation.list.marker": marker,
  "operation.list.answer.nextMarker": nextMarker,
  "event.list.after":
    "Only those after this number; 0: from the beginning of what is kept. Absent: none, only where the end is.",
  "event.list.limit": limit,
  "event.list.waitMs": waited,
  "event.list.answer.last": "Ask with this as `after` next: nothing up to it was left out.",
  "event.list.answer.trimmed":
    "Events up to here are no longer kept: when it is greater than your `after`, you missed some.",
  "flavor.list.limit": limit,
  "flavor.list.marker": marker,
  "flavor.list.answer.nextMarker": nextMarker,
  "flavor.create.diskGib": "Size of the root disk; 0 takes the image's own.",
  "flavor.create.extraSpecs": "Each is read by the scheduler filter that knows it.",
  "aggregate.list.limit": limit,
  "aggregate.list.marker": marker,
  "aggregate.list.answer.nextMarker": nextMarker,
  "aggregate.set.availabilityZone": "null takes the zone away; absent leaves it.",
  "aggregate.set.metadata": "Pairs to set; null takes one away, others stay.",
  "aggregate.addHost.host": "Id or name.",
  "aggregate.removeHost.host": "Id or name.",
  "server-group.create.maxPerHost": "Only with `anti-affinity`; one when absent.",
  "server-group.list.limit": limit,
  "server-group.list.marker": marker,
  "server-group.list.answer.nextMarker": nextMarker,
  "image.list.limit": limit,
  "image.list.marker": marker,
  "image.list.answer.nextMarker": nextMarker,
  "image.register.disk": "Needed unless there is a kernel. The path is on the controller's machine.",
  "image.register.commandLine": "For the kernel.",
  "host.list.limit": limit,
  "host.list.marker": marker,
  "host.list.answer.nextMarker": nextMarker,
  "host.get.answer.drain": "Only of a host that is drained.",
  "host.drain.reason": "Others will read it.",
  "host.drain.parallelism": "So many instances leave at once; 4 unless said.",
  "host.drain.answer.drain": "As it was when the draining began.",
  "host.fence.confirm": "The host's name, typed again.",
  "host.fence.reason": "Why it is sure that the host is off: your signed word. Needed unless `power`.",
  "host.fence.power":
    "Let the controller of its power switch it off, and take that for the proof. Set `Novact-Timeout-Ms` to 75000.",
  "host.fence.claimedBy": "Who you are, for whoever reads it later; nobody checks it.",
  "host.fence.force": "Although the host was heard a moment ago.",
  "host.rebalance.moves": "At most so many; 10 unless said.",
  "doctor.examine.answer.findings": "Empty on a healthy cluster.",
  "doctor.examine.answer.compared": "How many of each kind were compared.",
  "Instance.state": "What a user sees; see *States*.",
  "Instance.desired": "What was asked for last.",
  "Instance.generation": "Raised by every accepted command.",
  "Instance.machine": "What its host saw last; null before the first report.",
  "Instance.operationId": "The operation under way; null when there is none.",
  "Instance.failure": "Why the state is `failed`.",
  "Operation.percent": "Of the steps.",
  "Operation.requestId": "Of the command that began it.",
  "Operation.deadlineAtMs": "It ends by then, well or with an error.",
  "Operation.error": "Why it `failed` or was `cancelled`.",
  "Event.sequence": "1, 2, 3, … over the whole cell, without gaps, in the order of the commits.",
  "Event.event": "In the past tense; see *Events*.",
  "Event.requestId": "The command that caused it.",
  "Event.body": "What it is about; may grow.",
  "Flavor.diskGib": "0: the image's own size.",
  "Image.commandLine": "For the kernel.",
  "Instance.serverGroupId": "It is a member until it is deleted.",
  "Instance.availabilityZone": "As it was asked for; null: any.",
  "Aggregate.availabilityZone": "The zone of its hosts, which are in no other; null: none.",
  "AvailabilityZone.available": "A host of it is alive and enabled.",
  "AvailabilityZone.hosts": "Only in the project `admin`.",
  "ServerGroup.policy":
    "`affinity`: all on one host. `anti-affinity`: each on another. Both hold at every commit; `soft-` only prefers.",
  "ServerGroup.maxPerHost": "With `anti-affinity`: so many may be on one host; null: one.",
  "ServerGroup.members": "Instances that are not deleted, in order of their ids; the first 1000.",
  "Quota.limits": "As they were set.",
  "Quota.effective": "What counts: with the defaults where no limit is set. -1: no limit.",
  "Quota.used": "By the instances that are not deleted, also stopped and failed ones.",
  "QuotaLimits.instances": "null: the default; -1: no limit.",
  "QuotaLimits.vcpus": "null: the default; -1: no limit.",
  "QuotaLimits.memoryMib": "null: the default; -1: no limit.",
  "Instance.recovery": "What becomes of it when it goes down without being asked.",
  "Host.lease":
    "Its right to run guests that others may take over; null: none, and nothing of it is taken over.",
  "Host.draining": "What is on it goes elsewhere since then; null: it is not drained.",
  "Drain.moving": "Asked to leave, and still holding something of the host, or waiting for another one.",
  "Drain.moved": "Were on it when the draining began, and are elsewhere now, or stopped and on no host.",
  "Drain.deleted":
    "Were on it when the draining began, and were deleted meanwhile. Absent: unknown; they count as moved.",
  "Drain.left": "Will be asked.",
  "Drain.cannot": "Stay as long as nothing changes; the first 100.",
  "Drain.staying": "All that stay.",
  "Rebalance.spreadBefore": "Standard deviation of the hosts' loads, 0 to 1.",
  "Rebalance.moves": "In the order in which they are to be made.",
  "Rebalance.unmovable": "Instances that may not be moved, by the reason.",
  "Host.availabilityZone": "Of its aggregates; null: it is in none.",
  "Host.labels": "`nodes[].labels` of its configuration.",
  "Host.features": "Flags of its CPUs.",
  "Host.machineTypes": "What its hypervisor can pretend to be.",
  "Host.storageId": "Hosts with the same one can open each other's disks.",
  "Host.failedBuilds":
    "In a row, by its own fault; at 10, of two projects and two images, it is disabled, a third of all at most.",
  "Host.ioOps": "Builds under way.",
  "Host.generation": "Raised by every change of what the host says about itself.",
  "Host.accelerator": "`kvm`, `tcg` or `none`.",
  "Host.acceleratorReason": "Why this one.",
  "Host.capacity": "Times the overcommit ratios; claims never exceed it.",
  "Host.alive": "Heard from lately.",
  "HostVerdict.filters": "Per filter that the request concerns: true, or the reason against.",
  "HostVerdict.weights": "Per weigher that gives anything: -1 to 1, times its multiplier.",
  "HostVerdict.remedy": "What would make it fit; absent when it does.",
  "Finding.next": "What to do about it.",
  "Error.next": "What to do about it.",
  "Error.retryAfterMs": "Waiting so long helps.",
  "Error.details": "Further facts, such as what each filter said of each host.",
  "Error.causes": "What led to it, outermost first.",
  "host-agent.ensure.observedGeneration":
    "The newest generation of this machine a controller has seen: a host that lost its file counts on from there.",
  "host-agent.removeSharedDisks.answer.removed":
    "The others are of machines that this host has itself: they go with these.",
  "report.heartbeat.complete":
    "`machines` is everything the host has; else only what changed and is not known to be stored.",
  "report.heartbeat.answer.known": "False: register again.",
  "report.heartbeat.answer.stored": "Whose observations are durable now; the others are to be sent again.",
  "report.heartbeat.leaseEpoch":
    "Of the host lease under which this was said: what is remembered of an earlier one is old. 0: none.",
  "report.register.knows":
    "What its agent understands of the `needs` of `ensure`; without `binding` its NUMA nodes are not offered.",
  "report.lease.storageId":
    "Every guest that may be taken over holds the host's lease on this shared storage. Null: on none.",
  "report.lease.epoch": "Of the lease it believes to have; 0 when it knows of none.",
  "report.lease.cleaned":
    "No guest of that lease that another host may take over has a process there any more.",
  "report.lease.answer.held":
    "Renewed, for 10 s from before the request was sent. False: it was fenced; clean up, then ask again.",
  "HostInventory.storageId":
    "Hosts with the same one can open each other's disks. Null: its disks are its own.",
  "HostInventory.labels": "Words of its configuration.",
  "HostInventory.features": "Flags of its CPUs.",
  "HostInventory.machineTypes": "What its hypervisor can pretend to be; empty: it does not say.",
  "HostInventory.numa": "Empty: nothing is known of its NUMA nodes, and none is given to guests.",
  "MachineSpec.fence": "Another host may take it over: it runs only under the lease it was claimed under.",
  "MachineSpec.storageId": "The shared storage that its disk is in. Null: its host's own directory.",
  "MachineSpec.takesOverDisk":
    "Its disk is there, left by an older epoch on another host, and never made anew.",
  "MachineSpec.machineType": "The image's `hw_machine_type`. Null: its host's choice.",
  "ImageProperties.extra":
    "In Nova's names: `trait:…` and `hw_machine_type` choose hosts; `hw_architecture`, `img_hv_type` set these fields.",
  "MachineSpec.numa": "What it has of its host's NUMA nodes. Null: nothing of its own.",
  "host-agent.ensure.leaseEpoch":
    "Of the host's lease that it was claimed under: with `fence` it runs only under this very one. 0: it needs none.",
  "host-agent.ensure.needs":
    "`lease`, `binding`, `machineType`: an agent that lacks one of the words answers `unknownNeed`, and starts nothing.",
  "NumaPlacement.dedicated": "Its CPUs are nobody else's.",
  "NumaPlacement.cells": "Its own NUMA nodes, in this order; `cell` is the position in the host's `numa`.",
  "NumaUse.memoryMib": "In ordinary pages.",
  "Host.pinnedCpus": "CPUs that guests have to themselves, a part of the vCPUs claimed.",
  "Host.numaClaimed": "What is claimed of each of `numa`; the last ones may be missing.",
  "MachineSpec.recovery":
    "What its host does when its process has died, or the host was down: `leave` starts nothing.",
  "MachineIntent.keepDisk": "With power `deleted`: the disk on shared storage is another host's by now.",
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
