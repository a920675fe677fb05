/** Passes hosts with as many NUMA nodes as are asked for, each with the CPUs, the memory and the pages. */
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
  const asked = `${nodes} NUMA ${nodes === 1 ? "node" : "nodes"}`;
  const cpus = `${vcpus} ${dedicated ? "free CPUs" : "CPUs"}`;
  const size = page === "large" ? "large" : `${page} KiB`;
  if (giving.cpus < nodes) return `${asked} with ${cpus} are asked for, ${giving.cpus} have them`;
  if (page !== undefined && giving.pages < nodes)
    return `${asked} with ${memoryMib} MiB in ${size} pages are asked for, ${giving.pages} have them`;
  if (page === undefined && giving.memory < nodes)
    return `${asked} with ${memoryMib} MiB are asked for, ${giving.memory} have them`;
  return `${asked} with ${cpus} and ${memoryMib} MiB are asked for, and no NUMA nodes have both`;
}

const remedyFor = ({ nodes, vcpus, dedicated, page }: NumaDemand): string =>
  page === undefined
    ? nodes * vcpus === 1
      ? `choose a flavor with less memory${dedicated ? ", or free CPUs of its NUMA nodes" : ""}`
      : `choose a flavor with ${nodes === 1 ? "hw:numa_nodes 2 or " : ""}less in each NUMA node`
    : "give the host more pages of this size, or choose a flavor with hw:mem_page_size any";
