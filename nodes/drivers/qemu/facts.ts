/** What is known of the hypervisor driver `qemu` without opening it. */
import { Type } from "@sinclair/typebox";
import { literals } from "../../../protocol/wire/schema.ts";
import type { OwnHypervisorFacts } from "../kinds.ts";
import { tagOfArgv } from "./guest-tag.ts";

const accelerators = ["auto", "kvm", "tcg"] as const;

const options = Type.Object(
  {
    accelerator: Type.Optional(
      Type.Unsafe<(typeof accelerators)[number]>({
        ...literals(accelerators),
        description: "auto tries a guest on KVM and falls back to tcg; kvm and tcg insist",
      }),
    ),
    cpuModel: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_.-]{1,60}-v[0-9]{1,3}$",
        description: "processor of new guests, as EPYC-v3; the same on all hosts that guests go to and fro",
      }),
    ),
  },
  { additionalProperties: false, description: "guests of QEMU" },
);

export const qemuFacts = {
  options,
  // libvirt's and Glance's word for QEMU with KVM.
  aliases: ["kvm"],
  network: "user",
  volumes: "files",
  probes: true,
  programs: { emulator: "qemu-system-x86_64", diskTool: "qemu-img" },
  guestOfArgv: tagOfArgv,
} satisfies OwnHypervisorFacts<typeof options>;
