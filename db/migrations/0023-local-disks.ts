/**
 * Ephemeral and swap disks of flavors. Not breaking: a controller of before counts their room as that of the
 * root disk, which is then larger, and starts instances of such flavors without these disks until it ends.
 */
export const statements = [
  `alter table flavor add column ephemeral_gib bigint not null default '0',
    add column swap_mib bigint not null default '0'`,
  "alter table flavor drop constraint flavor_size_check",
  `alter table flavor add constraint flavor_size_check
    check (least(vcpus, memory_mib, disk_gib, ephemeral_gib, swap_mib) >= 0)`,
];
