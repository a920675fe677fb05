/** Reads from PostgreSQL what a host is told of networks. It changes nothing. */
import type { NetworkingReads, NetworkingRows } from "../../actors/ports/networking-reads.ts";
import type { Database } from "./database.ts";

export class PostgresNetworkingReads implements NetworkingReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async ofHost(hostId: string): Promise<NetworkingRows> {
    const statement = { name: "networking_of_host", text: ofHostText, values: [hostId] };
    const [row = []] = await this.#database.read(statement, "read the networks of a host");
    const [version, lists] = row;
    return { version: Number(version), ...(lists as Omit<NetworkingRows, "version">) };
  }
}

/** The rows of a table as a list of objects; `fields`: names as the port has them, and where they are. */
function listOf(from: string, fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).map(([name, column]) => `'${name}', ${column}`);
  return `(select coalesce(json_agg(json_build_object(${pairs.join(", ")})), '[]') from ${from})`;
}

/** Of an external network that hosts know; `n` is that network. */
const outsideText = `case when n.physical_network is not null then json_build_object(
      'networkId', n.id, 'physicalNetwork', n.physical_network, 'mtuBytes', n.mtu_bytes,
      'subnets', ${listOf("subnet s where s.network_id = n.id", { cidr: "s.cidr", gateway: "s.gateway" })}
    ) end`;

const routerInterfacesText = `router_interface i
      join routing r on r.id = i.router_id
      join port p on p.id = i.port_id
      join address a on a.port_id = i.port_id and a.subnet_id = i.subnet_id`;

const floatingText = `floating_ip_target t
      join floating_ip f on f.id = t.floating_id
      join router_interface i on i.id = t.interface_id
      where t.port_id in (select id from plugged where stays)`;

/** One statement, so of one moment: old groups of a port with new rules would allow what nobody asked for. */
const ofHostText = `with recursive plugged as materialized (
    select p.*, i.id as instance_id, f->'change'->>'kind' is distinct from 'leaving' as stays
      from claim c
        join instance i on i.id = c.instance_id and i.owner_epoch = c.owner_epoch
        cross join jsonb_array_elements(i.interfaces) f
        join port p on p.id = f->>'portId'
      where c.host_id = $1 and jsonb_typeof(i.interfaces) = 'array'
  ), reached as (
    select network_id from plugged
    union
    select b.network_id from reached r
      join router_interface a on a.network_id = r.network_id
      join router_interface b on b.router_id = a.router_id
  ), routing as materialized (
    select * from router where id in (
      select i.router_id from router_interface i where i.network_id in (select network_id from reached)
    )
  ), belongs as materialized (
    select g.id, g.port_id, g.group_id from security_group_port g join plugged p on p.id = g.port_id
  ), allowed as materialized (
    select r.* from security_group_rule r where r.group_id in (select group_id from belongs)
  ), own as (
    select drivers->'networking'->>'underlay' as underlay from host where id = $1
  ), away as (
    select p.*, h.drivers->'networking'->>'underlay' as host
      from port p
        join plug g on g.port_id = p.id and g.device = 'instance'
        join instance i on i.id = g.device_id
        join claim c on c.instance_id = i.id and c.owner_epoch = i.owner_epoch
        join host h on h.id = c.host_id
      where p.network_id in (select network_id from reached)
        and h.drivers->'networking'->>'underlay' <> (select underlay from own)
  ), member as (
    select g.group_id, g.port_id from security_group_port g
      where g.group_id in (select remote_group_id from allowed where remote_group_id is not null)
  )
  select (select last_sequence from event_head), json_build_object(
    'ports', ${listOf("plugged", {
      ...{ id: "id", instanceId: "instance_id", networkId: "network_id", mac: "mac" },
      ...{ portSecurity: "port_security", addressPairs: "address_pairs" },
      bandwidth: "bandwidth",
    })},
    'networks', ${listOf("network where id in (select network_id from reached)", {
      ...{ id: "id", number: "number", mtuBytes: "mtu_bytes", physicalNetwork: "physical_network" },
    })},
    'subnets', ${listOf("subnet where network_id in (select network_id from reached)", {
      ...{ id: "id", networkId: "network_id", cidr: "cidr", gateway: "gateway" },
      ...{ dnsServers: "dns_servers", hostRoutes: "host_routes", dhcp: "dhcp" },
    })},
    'addresses', ${listOf("address where port_id in (select id from plugged)", {
      ...{ portId: "port_id", subnetId: "subnet_id", address: "name" },
    })},
    'memberships', ${listOf("belongs", { id: "id", portId: "port_id", groupId: "group_id" })},
    'rules', ${listOf("allowed", {
      ...{
        id: "id",
        groupId: "group_id",
        direction: "direction",
        ipVersion: "ip_version",
        protocol: "protocol",
      },
      ...{ portMin: "port_min", portMax: "port_max" },
      ...{ remoteCidr: "remote_cidr", remoteGroupId: "remote_group_id" },
    })},
    'members', ${listOf("member m join port p on p.id = m.port_id", {
      groupId: "m.group_id",
      addresses: "(select coalesce(json_agg(a.name), '[]') from address a where a.port_id = p.id)",
      pairs: "p.address_pairs",
    })},
    'far', ${listOf("away w", {
      ...{ id: "w.id", networkId: "w.network_id", host: "w.host", mac: "w.mac" },
      addresses: "(select coalesce(json_agg(a.name), '[]') from address a where a.port_id = w.id)",
      addressPairs: "w.address_pairs",
    })},
    'routers', ${listOf("routing r left join network n on n.id = r.external_network_id", {
      ...{ id: "r.id", routes: "r.routes", snat: "r.snat", outside: outsideText },
    })},
    'routerInterfaces', ${listOf(routerInterfacesText, {
      ...{ routerId: "i.router_id", portId: "p.id", networkId: "p.network_id", mac: "p.mac" },
      ...{ subnetId: "i.subnet_id", address: "a.name" },
    })},
    'floating', ${listOf(floatingText, {
      ...{ id: "f.id", address: "f.name", routerId: "i.router_id" },
      ...{ portId: "t.port_id", target: "t.address" },
    })},
    'published', ${listOf("published_port where port_id in (select id from plugged where stays)", {
      ...{ id: "id", portId: "port_id", hostPort: "host_port", address: "address", port: "port" },
    })})`;
