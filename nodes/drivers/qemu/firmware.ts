/**
 * The firmware of a guest: qboot, which only starts a kernel, where the kernel is an ELF file (PVH) and qboot
 * is installed; else the machine type's own BIOS. qboot saves 0.4 s of a boot under TCG (measured).
 */
import { access, open } from "node:fs/promises";

const qboot = "/usr/share/qemu/qboot.rom";

/** Path of the firmware, or undefined for the machine type's own. */
export async function firmwareFor(kernel: string | undefined): Promise<string | undefined> {
  if (kernel === undefined || !(await isElf(kernel))) return undefined;
  try {
    await access(qboot);
    return qboot;
  } catch {
    return undefined;
  }
}

async function isElf(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.equals(Buffer.from("\x7fELF", "latin1"));
  } finally {
    await file.close();
  }
}
