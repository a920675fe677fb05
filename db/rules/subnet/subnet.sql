-- No two subnets of a network overlap; and a subnet is shared as its network is. All commits of a cell happen
-- one after the other, so that a look at the others is enough.
create or replace function novact_subnet() returns trigger
language plpgsql as $$
begin
  if exists (
    select from subnet s
      where s.network_id = new.network_id and s.id <> new.id and s.cidr::cidr && new.cidr::cidr
  ) then
    raise unique_violation using constraint = 'subnet_range_unique';
  end if;
  new.shared := coalesce((select n.shared or n.external from network n where n.id = new.network_id), false);
  return new;
end
$$;

create or replace trigger subnet_apart before insert or update on subnet
  for each row execute function novact_subnet();
