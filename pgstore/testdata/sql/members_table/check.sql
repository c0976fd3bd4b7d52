-- Check: trip 1 of 4

select exists (
	select from pg_catalog.pg_class c
	join pg_catalog.pg_namespace n on n.oid = c.relnamespace
	where n.nspname = $1::text
		and c.relname = 'migrations'
);

-- Check: trip 2 of 4

select coalesce(pg_catalog.max(version), 0)
from "invitations".migrations;

-- Check: trip 3 of 4

select a.attname, pg_catalog.format_type(a.atttypid, null), case when t.typtype = 'e' then n.nspname || '.' || t.typname
	else '' end, coalesce(c.collisdeterministic, true), not a.attnotnull,
	a.atthasdef or a.attidentity <> '' or t.typdefault is not null
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_collation c on c.oid = a.attcollation
where a.attrelid = pg_catalog.to_regclass($1::text)
	and a.attnum > 0
	and not a.attisdropped;

select exists (
	select from pg_catalog.pg_index i
	where i.indrelid = pg_catalog.to_regclass($1::text)
		and i.indisunique
		and i.indisvalid
		and i.indimmediate
		and i.indpred is null
		and i.indexprs is null
		and i.indnkeyatts = 2
		and (
			select pg_catalog.count(*)
			from pg_catalog.pg_attribute a
			where a.attrelid = i.indrelid
				and a.attnum in (i.indkey[0], i.indkey[1])
				and a.attname in ($2::text, $3::text)
		) = 2
);

-- Check: trip 4 of 4

select pg_catalog.count(*)
from (
	select from "invitations".organizations o
	where o.version > 0
		and not o.deleted
		and not exists (
			select from "public"."team members" h
			where h."Team"::text collate "C" = o.id
		)
	limit $1::bigint
) as counted;
