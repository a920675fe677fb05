-- What each NUMA node of an inventory has, a row for each thing that it can run out of. Huge pages are taken
-- out of its memory.
create or replace function novact_offered_numa_nodes(numa jsonb)
returns table (node bigint, resource text, total bigint)
language sql immutable as $$
  select n.place - 1, offered.resource, offered.total
    from jsonb_array_elements(numa) with ordinality as n(node, place)
      cross join lateral (
        select coalesce(sum((page->>'sizeKib')::bigint * (page->>'total')::bigint), 0) as kib
          from jsonb_array_elements(n.node->'hugePages') as page
      ) as huge
      cross join lateral (
        select 'cpus' as resource, (n.node->>'vcpus')::bigint as total
        union all
        select 'memory', greatest(0, (n.node->>'memoryMib')::bigint - floor(huge.kib / 1024))::bigint
        union all
        select 'pages:' || (page->>'sizeKib'), (page->>'total')::bigint
          from jsonb_array_elements(n.node->'hugePages') as page
      ) as offered
$$;
