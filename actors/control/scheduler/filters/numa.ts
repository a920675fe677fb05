/** Passes hosts with as many NUMA nodes as are asked for, each with the CPUs, the memory and the pages. */
import { counted, isOrAre, kibibytes } from "../../../../protocol/wire/wording.ts";
import { type NumaDemand, numaDemand, numaNodesFor, numaNodesGiving } from "../numa.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const numa: RequestFilter = {
  name: "numa",
  effort: efforts.work,
  prepare: (request) => {
    const demand = numaDemand(request);
    if (demand === undefined) return undefined;
    if (typeof demand === "string") {
      const wrong: Refuse = () => ({ reason: `the flavor's ${demand}`, remedy: "choose another flavor" });
      return () => wrong;
    }
    const refuse: Refuse = (host) => {
      if (host.numa.length === 0)
        return {
          reason:
            "the host offers no NUMA nodes: it does not know them, or its agent cannot bind guests to them",
          remedy: "choose a flavor without hw:numa_nodes, hw:cpu_policy and hw:mem_page_size",
        };
      return { reason: shortage(demand, numaNodesGiving(host, demand)), remedy: remedyFor(demand) };
    };
    return (host) => numaNodesFor(host, demand) !== undefined || refuse;
  },
};

function shortage(demand: NumaDemand, giving: ReturnType<typeof numaNodesGiving>): string {
  const { nodes, vcpus, memoryMib, dedicated, page } = demand;
  const asked = (each: string) => `${counted(nodes, "NUMA node")} with ${each} ${isOrAre(nodes)} asked for`;
  const have = (giving: number, what: string) => `${giving} ${giving === 1 ? "has" : "have"} ${what}`;
  const cpus = counted(vcpus, dedicated ? "free CPU" : "CPU");
  const size = typeof page === "number" ? kibibytes(page) : page;
  if (giving.cpus < nodes) return `${asked(cpus)}, ${have(giving.cpus, vcpus === 1 ? "it" : "them")}`;
  if (page !== undefined && giving.pages < nodes)
    return `${asked(`${memoryMib} MiB in ${size} pages`)}, ${have(giving.pages, "them")}`;
  if (page === undefined && giving.memory < nodes)
    return `${asked(`${memoryMib} MiB`)}, ${have(giving.memory, "them")}`;
  return `${asked(`${cpus} and ${memoryMib} MiB`)}, and no NUMA nodes have both`;
}

const remedyFor = ({ nodes, vcpus, dedicated, page }: NumaDemand): string =>
  page === undefined
    ? nodes * vcpus === 1
      ? `choose a flavor with less memory${dedicated ? ", or free CPUs of its NUMA nodes" : ""}`
      : `choose a flavor with ${nodes === 1 ? "hw:numa_nodes 2 or " : ""}less in each NUMA node`
    : "give the host more pages of this size, or choose a flavor with hw:mem_page_size any";
