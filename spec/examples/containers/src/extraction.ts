/**
 * Makes the root file system of a container out of a file image of unknown origin: an ext4 file system of our
 * own making and of the bound size, filled by a tool that runs in a container of its own. There it is root in
 * the user ids of the later container, sees the image and the new file system, has no network and few system
 * calls, and ends with its cgroup. So a hostile image can reach nothing that the guest could not reach
 * anyway, and fill nothing but its own disk.
 */
import { existsSync } from "node:fs";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StatusError } from "novact/plugin";
import { Cgroup } from "./cgroup.ts";
import { guestFiles } from "./guest-files.ts";
import type { Hierarchies } from "./hierarchies.ts";
import { complaintOf, headBytes, type Unpacking, unpackingOf } from "./image-kind.ts";
import { hideUnified } from "./launch.ts";
import { containerLimits } from "./limits.ts";
import { capabilitySets, idMapping, limit } from "./oci-config.ts";
import { toolProfile } from "./seccomp.ts";
import { runTool } from "./tool.ts";

export interface Extraction {
  readonly instanceId: string;
  /** The container's directory. */
  readonly directory: string;
  /** The verified copy of the image; undefined: the file system stays empty. */
  readonly image: string | undefined;
  readonly sizeBytes: number;
  readonly uidFirst: number;
  readonly runtime: string;
  readonly hierarchies: Hierarchies;
  /** Parent of the cgroups of this host's extractions. */
  readonly cgroupParent: string;
}

/** Arguments: image, disk, mount point, bundle, runtime's state, id, runtime, then cgroups. */
const script = `set -e
image=$1 disk=$2 root=$3 bundle=$4 state=$5 id=$6 runtime=$7
shift 7
for cgroup do echo $$ > "$cgroup/cgroup.procs"; done
mount -t ext4 -o loop,nosuid,nodev "$disk" "$root"
rmdir "$root/lost+found"
chmod 0755 "$root"
status=0
if [ -n "$image" ]; then
  ${hideUnified}
  "$runtime" --root "$state" --cgroup-manager=disabled run --bundle "$bundle" "$id" || status=$?
fi
umount "$root"
exit $status`;

/** Answers when the disk is whole under its partial name. @throws unusableImage, diskFull, AbortError */
export async function extract(wanted: Extraction, signal: AbortSignal): Promise<string> {
  const { directory, hierarchies, cgroupParent, instanceId } = wanted;
  const cgroup = new Cgroup(hierarchies, cgroupParent, `${instanceId}.0`);
  await endExtraction(cgroup);
  const disk = await makeFileSystem(wanted, signal);
  const unpacking = wanted.image === undefined ? undefined : unpackingOf(await headOf(wanted.image));
  const extractor = join(directory, guestFiles.extractor);
  await rm(extractor, { recursive: true, force: true });
  for (const place of ["dev", "out", ...libraries])
    await mkdir(join(extractor, "bundle/rootfs", place), { recursive: true, mode: 0o755 });
  await writeFile(join(extractor, "bundle/rootfs/image"), "", { mode: 0o644 });
  await mkdir(join(directory, guestFiles.root), { recursive: true, mode: 0o711 });
  if (unpacking !== undefined) await makeBundle(extractor, wanted, unpacking);
  cgroup.make({ memoryBytes: containerLimits.extractionMemoryBytes, processes: 64, cpus: 1 });
  try {
    await unpack(wanted, disk, cgroup, { unpacking, signal });
  } finally {
    await endExtraction(cgroup);
    await rm(extractor, { recursive: true, force: true });
  }
  return disk;
}

async function unpack(
  { directory, image = "", instanceId, runtime }: Extraction,
  disk: string,
  cgroup: Cgroup,
  { unpacking, signal }: { readonly unpacking: Unpacking | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const extractor = join(directory, guestFiles.extractor);
  const { exitCode, errors } = await runTool(
    "unshare",
    [
      ...["--mount", "--propagation", "private", "--", "/bin/sh", "-c", script, "sh", image, disk],
      ...[join(directory, guestFiles.root), join(extractor, "bundle"), join(extractor, "state")],
      ...[`${instanceId}-image`, runtime, ...cgroup.directories],
    ],
    { msMax: containerLimits.extractionMsMax, signal },
  );
  const complaint = unpacking === undefined ? errors : complaintOf(unpacking, errors);
  if (exitCode === 0 && !complaint) return;
  const what = /No space left|Wrote only/.test(errors)
    ? "what it holds has no room on the disk"
    : exitCode === null
      ? "it takes too long, or too much memory"
      : (complaint ?? "the tool says nothing").slice(0, 200);
  throw new StatusError("unusableImage", `The image cannot be unpacked: ${what}.`, { detail: errors });
}

/** Ends what an agent before has left of it as well. */
async function endExtraction(cgroup: Cgroup): Promise<void> {
  await cgroup.kill();
  await cgroup.remove();
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** An empty file system in a sparse file, whose root directory is the container's root user's. */
async function makeFileSystem({ directory, sizeBytes, uidFirst }: Extraction, signal: AbortSignal) {
  const disk = join(directory, guestFiles.partialDisk);
  await rm(disk, { force: true });
  const file = await open(disk, "w", 0o600);
  await file.truncate(sizeBytes).finally(() => file.close());
  const owner = `root_owner=${uidFirst}:${uidFirst},lazy_itable_init=1,lazy_journal_init=1,nodiscard`;
  const argv = ["-q", "-F", "-t", "ext4", "-m", "0", "-J", "size=4", "-E", owner, disk];
  const { exitCode, errors } = await runTool("mke2fs", argv, {
    ...{ msMax: containerLimits.extractionMsMax, signal },
  });
  if (exitCode === 0) return disk;
  const reason = /No space left/.test(errors) ? "diskFull" : "hypervisorRefused";
  throw new StatusError(reason, "The root file system could not be made.", { detail: errors });
}

async function makeBundle(extractor: string, wanted: Extraction, { argv }: Unpacking): Promise<void> {
  const rootfs = join(extractor, "bundle/rootfs");
  const config = join(extractor, "bundle/config.json");
  await writeFile(config, JSON.stringify(bundleConfig(wanted, rootfs, argv)), { mode: 0o600 });
}

/** Where the host's tools and their libraries are. */
const libraries = ["usr", "lib", "lib64"].filter((name) => existsSync(`/${name}`));
const ofHost = ["rbind", "ro", "nosuid", "nodev"];

function bundleConfig({ directory, image, uidFirst }: Extraction, rootfs: string, args: readonly string[]) {
  const bind = (destination: string, source: string | undefined, options: readonly string[]) => ({
    ...{ destination, source, type: "bind", options },
  });
  const owning = ["CHOWN", "FOWNER", "FSETID", "DAC_OVERRIDE"].map((name) => `CAP_${name}`);
  return {
    ociVersion: "1.0.0",
    process: {
      ...{ terminal: false, user: { uid: 0, gid: 0 }, args, cwd: "/", noNewPrivileges: true },
      env: ["PATH=/usr/sbin:/usr/bin", "LC_ALL=C"],
      capabilities: capabilitySets(owning),
      rlimits: [
        limit("AS", containerLimits.extractionMemoryBytes),
        limit("CPU", containerLimits.extractionProcessorSeconds),
        limit("CORE", 0),
      ],
    },
    root: { path: rootfs, readonly: true },
    hostname: "image",
    mounts: [
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "size=64k"] },
      ...libraries.map((name) => bind(`/${name}`, `/${name}`, ofHost)),
      bind("/image", image, ["bind", "ro", "nosuid", "nodev", "noexec"]),
      bind("/out", join(directory, guestFiles.root), ["bind", "rw", "nosuid", "nodev", "noexec"]),
    ],
    linux: {
      namespaces: ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"].map((type) => ({ type })),
      uidMappings: idMapping(uidFirst),
      gidMappings: idMapping(uidFirst),
      seccomp: toolProfile,
    },
  };
}
