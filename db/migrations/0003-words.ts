/**
 * One word for one thing: an owner epoch is the instance's, a lease epoch the host lease's, and a NUMA node
 * is no cell. Names only; no row changes but in the NUMA nodes of claims, which are kept as JSON.
 */

const columns = [
  ["instance", "epoch", "owner_epoch"],
  ["machine", "epoch", "owner_epoch"],
  ["claim", "epoch", "owner_epoch"],
  ["host_lease", "epoch", "lease_epoch"],
].map(([table, from, to]) => `alter table ${table} rename column ${from} to ${to}`);

const numaNodes = [
  // Under their new names they are made with the functions; both would count each claim twice.
  "drop trigger if exists claim_takes_cells on claim",
  "drop trigger if exists claim_gives_cells on claim",
  "alter table host_cell rename to host_numa_node",
  "alter table host_numa_node rename column cell to node",
  "alter table host_numa_node rename constraint host_cell_pkey to host_numa_node_pkey",
  "alter table host_numa_node rename constraint host_cell_claimed_check to host_numa_node_claimed_check",
  "alter table host_numa_node rename constraint host_cell_host_reference to host_numa_node_host_reference",
  "alter index host_cell_claimed_idx rename to host_numa_node_claimed_idx",
  `update claim set numa = jsonb_build_object('dedicated', numa->'dedicated', 'nodes', (
      select jsonb_agg(n - 'cell' || jsonb_build_object('node', n->'cell') order by place)
        from jsonb_array_elements(numa->'cells') with ordinality as t(n, place)
    )) where numa ? 'cells'`,
];

export const statements = [...columns, ...numaNodes];

/** Controllers that do not know it must not go on: they would misread what is in the tables. */
export const breaking = true;
