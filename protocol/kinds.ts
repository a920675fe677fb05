/**
 * Closed lists of words without state transitions. This file imports nothing, so that whoever prints or
 * parses these words needs no schema.
 */

export const architectures = ["x86_64", "aarch64"] as const;
export type Architecture = (typeof architectures)[number];

/** The policies of a server group for its members' hosts; a soft policy is only a preference. */
export const groupPolicies = ["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"] as const;

/** Who holds the lock of an instance: its project, or the operators, whose locks only they lift. */
export const lockHolders = ["project", "operators"] as const;
export type LockHolder = (typeof lockHolders)[number];

export const diskFormats = ["qcow2", "raw"] as const;
export type DiskFormat = (typeof diskFormats)[number];

/**
 * The availability zone of hosts that no aggregate puts into another one; Nova's default_availability_zone.
 */
export const defaultZone = "nova";
