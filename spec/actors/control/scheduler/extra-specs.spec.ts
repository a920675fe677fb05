/** Which extra specs are refused when a flavor is made: by value. */
import { expect } from "chai";
import { extraSpecsFault } from "../../../../actors/control/scheduler/extra-specs.ts";

const size = { vcpus: 2, memoryMib: 128 };
const faultOf = (key: string, value: string) => extraSpecsFault({ [key]: value }, size);

describe("extra specs", () => {
  const wrong: readonly (readonly [key: string, value: string, says: string])[] = [
    ["hw:cpu_polcy", "dedicated", "(did you mean hw:cpu_policy?)"],
    ["hw:cpu_thread_policy", "isolate", "there are hw:cpu_policy, hw:mem_page_size, hw:numa_nodes"],
    ["hw:emulator_threads_policy", "isolate", "nothing here keeps"],
    ["hw:cpu_realtime", "yes", "nothing here keeps"],
    ["hw:cpu_sockets", "7", "nothing here keeps"],
    ["hw:", "7", "nothing here keeps"],
    ["hw:toString", "7", "nothing here keeps"],
    ["hw:cpu_policy", "Dedicated", "hw:cpu_policy is Dedicated; it can be dedicated or shared"],
    ["hw:cpu_policy", "dedicatd", "it can be dedicated or shared"],
    ["hw:numa_nodes", "-1", "a whole number from 1"],
    ["hw:numa_nodes", "0", "a whole number from 1"],
    ["hw:numa_nodes", "3", "do not divide evenly into 3"],
    ["hw:mem_page_size", "huge", "no size of a page"],
    ["trait:HW_CPU_X86_AVX2", "Required", "it can be required or forbidden"],
    ["trait:HW-CPU", "required", "letters, digits and _"],
    ["trait:", "required", "letters, digits and _"],
    ["resources:VCPU", "99", "leave it out, as all of resources:"],
    ["resources1:VCPU", "1", "groups of requirements are not known"],
    ["trait_NIC:CUSTOM_FAST", "required", "groups of requirements are not known"],
    ["pci_passthrough:alias", "gpu:1", "leave it out"],
    ["quota:cpu_shares", "10", "leave it out"],
    ["quota:disk_read_iops_sec", "10", "leave it out"],
    ["os:secure_boot", "required", "leave it out"],
    ["traits:HW_CPU_X86_AVX2", "required", "(did you mean trait:HW_CPU_X86_AVX2?)"],
    ["HW:cpu_policy", "shared", "(did you mean hw:cpu_policy?)"],
    ["capabilites:accelerator", "kvm", "(did you mean capabilities:accelerator?)"],
    ["capabilities:vcpus_total", ">=", "needs a value behind it"],
    ["capabilities:vcpus_total", ">= many", "compares numbers"],
    ["ssd", "<in>", "needs a value behind it"],
    ["aggregate_instance_extra_specs:ssd", "s==", "needs a value behind it"],
  ];
  for (const [key, value, says] of wrong)
    it(`with ${key}=${value} are refused`, () => {
      expect(faultOf(key, value)).to.contain(says);
    });

  const sound: readonly (readonly [key: string, value: string])[] = [
    ["hw:cpu_policy", "dedicated"],
    ["hw:cpu_policy", "shared"],
    ["hw:numa_nodes", "2"],
    ["hw:mem_page_size", "2MB"],
    ["hw:mem_page_size", "any"],
    ["trait:HW_CPU_X86_AVX2", "required"],
    ["trait:CUSTOM_X", "forbidden"],
    ["capabilities:vcpus_total", ">= 4"],
    ["capabilities:cpu_info:arch", "x86_64"],
    ["capabilities:rack", "<or> r1 <or> r2"],
    ["aggregate_instance_extra_specs:ssd", "true"],
    ["ssd", "true"],
    ["rate", "= 5"],
    ["acme:anything", "at all"],
    ["ho:x", "1"],
    ["op", "<"],
  ];
  for (const [key, value] of sound)
    it(`with ${key}=${value} are taken`, () => expect(faultOf(key, value)).to.equal(undefined));

  it("are judged together with the size of the flavor", () => {
    const specs = { "hw:numa_nodes": "2" };
    expect(extraSpecsFault(specs, { vcpus: 3, memoryMib: 128 })).to.equal(
      "cannot be met: 3 vCPUs and 128 MiB do not divide evenly into 2 NUMA nodes",
    );
    expect(extraSpecsFault({}, { vcpus: 3, memoryMib: 128 })).to.equal(undefined);
  });
});
