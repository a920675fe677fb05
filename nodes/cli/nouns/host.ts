/** novact host …: compute nodes, for operators. */
import { Command } from "commander";
import type { Host } from "../../../protocol/host.ts";
import { age, gibibytes, mebibytes, pairsOf, time } from "../format.ts";
import { readPages } from "../pages.ts";
import type { Invoke, Run } from "../run.ts";
import type { Column, Fact } from "../table.ts";
import type { Style } from "../terminal.ts";

export function hostCommand(invoke: Invoke): Command {
  const noun = new Command("host").description("Compute nodes; for operators.");
  noun.addCommand(listCommand(invoke));
  noun.addCommand(showCommand(invoke));
  noun.addCommand(enableCommand(invoke));
  noun.addCommand(disableCommand(invoke));
  return noun;
}

/** Silence weighs more than an operator's wish. */
const stateOf = ({ alive, enabled }: Host): string => (alive ? (enabled ? "up" : "disabled") : "silent");

function styleOf(host: Host): Style {
  if (!host.alive) return "red";
  return host.enabled ? "green" : "yellow";
}

const used = (claimed: number, capacity: number, format: (value: number) => string): string =>
  `${format(claimed)} / ${format(capacity)}`;

const columns = (nowMs: number): readonly Column<Host>[] => [
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "STATE", value: stateOf, style: styleOf },
  { title: "VCPUS", value: ({ claimed, capacity }) => used(claimed.vcpus, capacity.vcpus, String) },
  {
    title: "MEMORY",
    value: ({ claimed, capacity }) => used(claimed.memoryMib, capacity.memoryMib, mebibytes),
  },
  { title: "DISK", value: ({ claimed, capacity }) => used(claimed.diskGib, capacity.diskGib, gibibytes) },
  { title: "INSTANCES", value: ({ instances }) => String(instances) },
  { title: "RUNS", value: ({ hypervisor, accelerator }) => `${hypervisor}/${accelerator}`, spare: true },
  { title: "ZONE", value: ({ availabilityZone }) => availabilityZone ?? "-", spare: true },
  { title: "HEARD", value: ({ lastSeenAtMs }) => age(lastSeenAtMs, nowMs) },
];

const buildsOf = ({ ioOps = 0, failedBuilds = 0 }: Host): string =>
  `${ioOps} under way${failedBuilds === 0 ? "" : `, the last ${failedBuilds} failed`}`;

const numaOf = ({ vcpus, memoryMib, hugePages }: NonNullable<Host["numa"]>[number]): string => {
  const pages = hugePages.filter(({ total }) => total > 0);
  const huge = pages.map(({ total, sizeKib }) => `${total} pages of ${mebibytes(sizeKib / 1_024)}`);
  return [`${vcpus} CPUs`, mebibytes(memoryMib), ...huge].join(", ");
};

const facts = (host: Host, nowMs: number): readonly Fact[] => [
  ["id", host.id],
  ["name", host.name],
  ["state", stateOf(host), styleOf(host)],
  ["disabled because", host.disabledReason ?? undefined],
  ["heard", `${age(host.lastSeenAtMs, nowMs)} ago`],
  ["vCPUs", `${host.claimed.vcpus} of ${host.capacity.vcpus} claimed`],
  ["memory", `${mebibytes(host.claimed.memoryMib)} of ${mebibytes(host.capacity.memoryMib)} claimed`],
  ["disk", `${gibibytes(host.claimed.diskGib)} of ${gibibytes(host.capacity.diskGib)} claimed`],
  ["instances", String(host.instances)],
  ["builds", buildsOf(host)],
  ["zone", host.availabilityZone ?? undefined],
  ["aggregates", host.aggregates?.map(({ name }) => name).join(", ") || undefined],
  ["labels", pairsOf(host.labels ?? {})],
  ["storage", host.storageId ?? undefined],
  ["NUMA nodes", host.numa?.map(numaOf).join("; ") || undefined],
  ["features", host.features?.length ? `${host.features.length} CPU flags` : undefined],
  ["machine types", host.machineTypes?.length ? String(host.machineTypes.length) : undefined],
  ["architecture", host.architecture],
  ["hypervisor", `${host.hypervisor} ${host.hypervisorVersion}`],
  ["accelerator", `${host.accelerator}: ${host.acceleratorReason}`],
  ["registered", time(host.registeredAtMs)],
];

async function print(run: Run, host: Host): Promise<void> {
  if (run.json) return run.emit(host);
  const { renderFacts } = await import("../table.ts");
  run.print(renderFacts(facts(host, run.terminal.nowMs()), run.paint));
}

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists hosts: claimed of what there is.")
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const { rows } = await readPages<Host>(async (page) => {
          const { hosts, nextMarker } = await session.host.list(page, run.call());
          return { rows: hosts, nextMarker };
        });
        await run.list(rows, columns(run.terminal.nowMs()));
        return 0;
      }),
    );
}

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one host.")
    .argument("<host>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        await print(run, (await session.host.get(key, {}, run.call())).host);
        return 0;
      }),
    );
}

function enableCommand(invoke: Invoke): Command {
  return new Command("enable")
    .description("Lets the scheduler choose the host again.")
    .argument("<host>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        await print(run, (await session.host.enable(key, {}, run.call())).host);
        return 0;
      }),
    );
}

function disableCommand(invoke: Invoke): Command {
  return new Command("disable")
    .description("Keeps new instances away from the host; what runs there runs on.")
    .argument("<host>", "its id or name")
    .requiredOption("--reason <text>", "why; others will read it")
    .action((key: string, { reason }: { reason: string }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        await print(run, (await session.host.disable(key, { reason }, run.call())).host);
        return 0;
      }),
    );
}
