/** A tiny guest that writes to every volume that it has, and says which; for specs of volumes. */
import type { GuestData } from "../../protocol/guest-data.ts";

/** What the volume's id begins with when it is to be filled, or is to crash the guest: no random id does. */
export const volumeMarks = { fill: "ffffffff", crash: "cccccccc" } as const;

/** Writes to every disk that has a serial number, and does what the marks say. */
const writing = `#!/bin/sh
while :; do
  for path in /sys/block/vd*; do
    disk=\${path##*/}
    serial=$(cat "$path/serial" 2>/dev/null)
    [ -n "$serial" ] || continue
    case "$serial" in
      ${volumeMarks.crash}*) echo "NOVACT-GUEST CRASHES"; sleep 1; echo c >/proc/sysrq-trigger ;;
      ${volumeMarks.fill}*) dd if=/dev/zero of="/dev/$disk" bs=1M 2>/dev/null; sync ;;
    esac
    echo "NOVACT-GUEST WRITES $serial" | dd of="/dev/$disk" bs=512 count=1 conv=sync,fsync 2>/dev/null || continue
    [ -e "/run/$disk.seen" ] || echo "NOVACT-GUEST HAS $serial"
    : >"/run/$disk.seen"
  done
  for seen in /run/vd*.seen; do
    disk=\${seen##*/}
    [ -e "/sys/block/\${disk%.seen}" ] || rm -f "$seen"
  done
  usleep 20000
done
`;

export const writingGuest: GuestData = {
  hostname: "web",
  availabilityZone: "nova",
  launchIndex: 0,
  metadata: {},
  publicKeys: [],
  userData: Buffer.from(writing).toString("base64"),
  configDrive: true,
};
