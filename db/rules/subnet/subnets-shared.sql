-- The subnets of a network are seen by whoever sees the network.
create or replace function novact_subnets_shared() returns trigger
language plpgsql as $$
begin
  update subnet set shared = new.shared or new.external where network_id = new.id;
  return new;
end
$$;

create or replace trigger network_shares after update on network
  for each row when (new.shared <> old.shared or new.external <> old.external)
  execute function novact_subnets_shared();
