/**
 * Changes that somebody has decided on although a peer of an older version refuses them: the path, and why it
 * does no harm. Data only.
 */
const impossible =
  "Bounds that no honest host meets (decision 0027): its numbers are far below, its texts shorter.";

const observation = [
  ...["ownerEpoch", "generation", "intentGeneration", "resetCount"],
  ...["message", "address", "startedAtMs", "atMs"],
].map((field) => `.${field}`);
const inventory = [
  ...["name", "bootId", "hypervisor", "accelerator", "acceleratorReason", "hypervisorVersion"],
  ...["vcpus", "memoryMib", "diskGib", "features[]", "machineTypes[]"],
  ...["numa[].vcpus", "numa[].memoryMib", "numa[].hugePages[].sizeKib", "numa[].hugePages[].total"],
].map((field) => `.${field}`);
const listed = ["", ...observation.map((field) => `[]${field}`)];

const paths: readonly (readonly [string, readonly string[]])[] = [
  ["host-agent.ensure.request.observedGeneration", [""]],
  ["host-agent.ensure.answer.observation", observation],
  ["host-agent.audit.answer.machines", listed],
  ["host-agent.audit.answer.processes", ["", "[].instanceId", "[].status"]],
  ["host-agent.audit.answer.directories", ["", "[].instanceId"]],
  ["host-agent.audit.answer.strays", ["", "[]"]],
  ["report.register.request.inventory", inventory],
  ["report.register.request.machines", listed],
  ["report.heartbeat.request.machines", listed],
];

export const decided: Readonly<Record<string, string>> = Object.fromEntries(
  paths.flatMap(([path, fields]) => fields.map((field) => [`${path}${field}`, impossible] as const)),
);
