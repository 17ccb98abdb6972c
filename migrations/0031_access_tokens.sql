-- +goose Up

create table access.tokens (
	id      text primary key,
	secret  text not null unique,
	name    text not null,
	role    text not null,
	person  text not null,
	owner   text not null,
	created timestamptz not null,
	expires timestamptz not null,
	used    timestamptz
);
comment on table access.tokens is 'What programs are known by.';
comment on column access.tokens.secret is 'SHA-256 of what the program sends: who reads this table cannot send it.';
comment on column access.tokens.person is 'Who made it: issuer and subject of OpenID Connect, or the command line.';
comment on column access.tokens.owner is 'What the history calls who made it.';
comment on column access.tokens.used is 'When it was used last, within a minute.';
create index tokens_person on access.tokens (person);

-- +goose Down

drop table access.tokens;
