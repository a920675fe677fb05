/**
 * Images say how much they take, which controller has what was sent, and why it was refused. Controllers of
 * the version before leave these columns as they are; what they register is counted when it is next changed.
 */
const sizeOf = (file: string) => `coalesce((${file}->>'sizeBytes')::bigint, 0)`;

export const statements = [
  `alter table image
    add column size_bytes bigint,
    add column holder text collate "C",
    add column refusal jsonb`,
  `update image set size_bytes = ${["disk", "kernel", "ramdisk"].map(sizeOf).join(" + ")}
    where disk is not null or kernel is not null`,
];
