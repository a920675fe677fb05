/** Facts about a computer, read from files as Linux writes them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { cpuFeatures, hostNumaNodes, numaNodes } from "../../../nodes/drivers/computer-facts.ts";

describe("the facts about a machine", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "novact-facts-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it("are the flags of its CPUs, each once", async () => {
    const file = join(directory, "cpuinfo");
    await writeFile(file, "processor\t: 0\nflags\t\t: vmx sse2 avx sse2\n\nprocessor\t: 1\nflags\t\t: vmx\n");
    expect(await cpuFeatures(file)).to.deep.equal(["avx", "sse2", "vmx"]);
    await writeFile(file, "processor\t: 0\nFeatures\t: fp asimd\n");
    expect(await cpuFeatures(file)).to.deep.equal(["asimd", "fp"]);
  });

  it("are its NUMA nodes with their CPUs, memory and huge pages, in order", async () => {
    const node = async (number: number, cpus: string, kib: number, pages: number): Promise<void> => {
      const place = join(directory, "nodes", `node${number}`);
      await mkdir(join(place, "hugepages", "hugepages-2048kB"), { recursive: true });
      await writeFile(join(place, "cpulist"), `${cpus}\n`);
      await writeFile(join(place, "meminfo"), `Node ${number} MemTotal:        ${kib} kB\n`);
      await writeFile(join(place, "hugepages", "hugepages-2048kB", "nr_hugepages"), `${pages}\n`);
    };
    await node(10, "8", 1_024, 0);
    await node(2, "0-3,6", 4_097, 16);
    const [nodes, status] = [join(directory, "nodes"), join(directory, "status")];
    expect(await numaNodes(nodes, status)).to.deep.equal([
      { vcpus: 5, memoryMib: 4, hugePages: [{ sizeKib: 2_048, total: 16 }] },
      { vcpus: 1, memoryMib: 1, hugePages: [{ sizeKib: 2_048, total: 0 }] },
    ]);
    await writeFile(status, "Name:\tnode\nCpus_allowed:\t0\nCpus_allowed_list:\t1-2,8\n");
    expect(await hostNumaNodes(nodes, status)).to.deep.equal([
      { node: 2, cpus: [1, 2] },
      { node: 10, cpus: [8] },
    ]);
    expect((await numaNodes(nodes, status)).map(({ vcpus }) => vcpus)).to.deep.equal([2, 1]);
  });

  it("are empty where nothing can be read", async () => {
    expect(await cpuFeatures(join(directory, "nothing"))).to.deep.equal([]);
    expect(await numaNodes(join(directory, "nothing"))).to.deep.equal([]);
  });
});
