/**
 * Short lists of words that have no state of their own. No imports: whoever shows or parses them needs no
 * schema for it.
 */

export const architectures = ["x86_64", "aarch64"] as const;
export type Architecture = (typeof architectures)[number];

/** What a server group asks of its members' hosts; a soft one only prefers it. */
export const groupPolicies = ["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"] as const;

export const diskFormats = ["qcow2", "raw"] as const;
export type DiskFormat = (typeof diskFormats)[number];

/** Where hosts are that no aggregate puts into a zone; Nova's default_availability_zone. */
export const defaultZone = "nova";
