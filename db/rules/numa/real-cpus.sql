-- CPUs of a host by what it says of its NUMA nodes; 0 when it says nothing of them.
create or replace function novact_real_cpus(numa jsonb) returns bigint
language sql immutable as $$
  select coalesce(sum((node->>'vcpus')::bigint), 0)::bigint from jsonb_array_elements(numa) as node
$$;
