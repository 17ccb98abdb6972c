-- +goose Up

create schema access;
comment on schema access is 'Who is logged in. Losing it logs everybody out, and nothing else.';

create table access.sessions (
	token_hash text primary key,
	data       jsonb not null,
	expires    timestamptz not null,
	id         text generated always as (data->'values'->>'id') stored unique,
	person     text generated always as (data->'values'->>'person') stored
);
comment on column access.sessions.token_hash is 'SHA-256 of what the cookie holds: who reads this table cannot log in with it.';
comment on column access.sessions.expires is 'When it ends unless it is used before; never beyond the deadline in data.';
comment on column access.sessions.id is 'Its name where it is listed; null while somebody is on the way to log in.';
comment on column access.sessions.person is 'Issuer and subject of OpenID Connect.';
create index sessions_person on access.sessions (person);
create index sessions_expires on access.sessions (expires);

-- +goose Down

drop schema access cascade;
