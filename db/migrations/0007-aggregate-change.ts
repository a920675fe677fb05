/**
 * A number that is raised with every change of aggregates and of their hosts, by whatever statement. Who
 * reads all hosts again and again sees by it whether what it knows of their aggregates is still so. A row and
 * not a sequence: it is raised and seen with the change itself, neither before nor after.
 */
import { Migration } from "@mikro-orm/migrations";

const trigger = (table: string) =>
  `create trigger ${table}_change after insert or update or delete on ${table}
    for each statement execute function novact_aggregates_changed()`;

const statements = [
  `create table aggregate_change (
    single boolean not null,
    number bigint not null,
    primary key (single),
    constraint aggregate_change_single_check check (single)
  )`,
  "insert into aggregate_change (single, number) values (true, 0)",
  `create function novact_aggregates_changed() returns trigger language plpgsql as $$
  begin
    update aggregate_change set number = number + 1;
    return null;
  end $$`,
  trigger("aggregate"),
  trigger("aggregate_host"),
];

export class Migration0007AggregateChange extends Migration {
  override up(): void {
    for (const sql of statements) this.addSql(sql);
  }
}
