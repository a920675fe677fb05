/**
 * Images belong to projects, have a visibility and a state, and are shared with members. Those that are there
 * are the operators', public and active. Breaking: a controller of the version before would show every image
 * to everybody, and make instances of images that have no bytes yet.
 */
export const breaking = true;

const words = (column: string, list: readonly string[]) =>
  `add constraint image_${column}_check check (${column} in (${list.map((one) => `'${one}'`).join(", ")}))`;

export const statements = [
  `alter table image
    add column project text collate "C" not null default 'admin',
    add column visibility text collate "C" not null default 'public',
    add column state text collate "C" not null default 'active',
    add column protected boolean not null default false,
    add column checksums jsonb,
    ${words("state", ["queued", "saving", "importing", "active", "deactivated"])},
    ${words("visibility", ["public", "community", "shared", "private"])},
    add constraint image_bytes_check check (
      disk is not null or kernel is not null or state in ('queued', 'saving', 'importing')
    )`,
  `alter table image
    alter column project drop default,
    alter column visibility drop default,
    alter column state drop default,
    alter column protected drop default`,
  "drop index image_name_idx",
  "create index image_name_idx on image (project, name)",
  "create index image_called_idx on image (name, id)",
  `create table image_member (
    id text collate "C" not null,
    name text collate "C" not null,
    image_id text collate "C" not null,
    status text collate "C" not null,
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id),
    constraint image_member_status_check check (status in ('pending', 'accepted', 'rejected')),
    constraint image_member_image_id_name_unique unique (image_id, name),
    constraint image_member_image_id_reference
      foreign key (image_id) references image (id) on delete cascade
  )`,
  "create index image_member_name_idx on image_member (name)",
  "create index image_member_project_idx on image_member (name, status, image_id)",
  "insert into novact_resource (name, noun) values ('image_member', 'image-member')",
];
