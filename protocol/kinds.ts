/**
 * Short lists of words that have no state of their own. No imports: whoever shows or parses them needs no
 * schema for it.
 */

export const architectures = ["x86_64", "aarch64"] as const;
export type Architecture = (typeof architectures)[number];

export const diskFormats = ["qcow2", "raw"] as const;
export type DiskFormat = (typeof diskFormats)[number];
