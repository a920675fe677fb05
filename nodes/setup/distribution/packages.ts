/**
 * What the distribution's image is made of, and where its packages come from: those archives of Debian that
 * this computer itself uses. Pure; whoever runs apt asks here for the words.
 */

const kernelPackage = "linux-image-cloud-amd64";

/** Without recommended packages: what a cloud image needs to be told its name, network and keys, and ssh. */
export const packages: readonly string[] = [
  ...["systemd-sysv", "udev", "dbus", "systemd-resolved", kernelPackage, "initramfs-tools"],
  ...["zstd", "cloud-init", "cloud-guest-utils", "fdisk", "e2fsprogs", "netplan.io", "openssh-server"],
  ...["sudo", "iproute2", "iputils-ping", "ca-certificates"],
];

/** Paths that no package brings into the image: a quarter of its size, and read by nobody in a guest. */
const leftOut = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*"];
/** Debian asks that licences go with the programs. */
const kept = "/usr/share/doc/*/copyright";

export interface Archives {
  /** The release, such as `bookworm`. */
  readonly suite: string;
  /** Such as `12`. */
  readonly version: string;
  /** Lines of sources.list. */
  readonly lines: readonly string[];
}

/** What `apt-get indextargets` is asked for. */
export const archiveFormat =
  "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(VERSION)|$(REPO_URI)|$(COMPONENT)|$(ARCHITECTURE)";

/** The archives in the answer of `apt-get indextargets`; undefined: none of them is Debian's. */
export function archivesIn(text: string): Archives | undefined {
  const all = text.split("\n").flatMap((line) => {
    const [origin, label, codename = "", version = "", uri = "", component, architecture] = line.split("|");
    const isDebians = origin === "Debian" && component === "main" && architecture === "amd64";
    return isDebians && /^https?:\/\/\S+$/.test(uri) && /^[a-z][a-z-]*$/.test(codename)
      ? [{ label, codename, version, uri }]
      : [];
  });
  const release = all.find(({ label, codename }) => label === "Debian" && !codename.includes("-"));
  if (release === undefined) return undefined;
  const suite = release.codename;
  const lines = all
    .filter(({ codename }) => codename === suite || codename.startsWith(`${suite}-`))
    .map(({ codename, uri }) => `deb ${uri} ${codename} main`);
  return { suite, version: release.version.split(".")[0] ?? "", lines: [...new Set(lines)] };
}

/** The arguments of mmdebstrap for a tree in one tar file. */
export function bootstrapArguments({ suite, lines }: Archives, tar: string): string[] {
  return [
    ...["--mode=root", "--variant=minbase", "--format=tar", "--architectures=amd64", "--quiet"],
    ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--dpkgopt=path-include=${kept}`,
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::Retries "3"',
    `--include=${packages.join(",")}`,
    // The boot partition has this kernel: a newer one would not be booted, and its modules would be others.
    `--customize-hook=chroot "$1" apt-mark hold ${kernelPackage}`,
    ...[suite, tar, ...lines],
  ];
}
