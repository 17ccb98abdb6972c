-- +goose Up

create schema if not exists projector;
comment on schema projector is 'What the projectors know about the views that they write. The rows of a view are in the schema <view>_v<version>.';

create table projector.versions (
    view       text        not null,
    version    integer     not null check (version > 0),
    ddl_digest text        not null,
    begun_at   timestamptz not null default now(),
    primary key (view, version)
);
comment on table projector.versions is 'The versions of each view that exist: the live one and those that are being built.';
comment on column projector.versions.ddl_digest is 'SHA-256 of the DDL that made the version, in hex: other DDL needs another version.';

create table projector.views (
    view       text        primary key,
    version    integer     not null,
    live_since timestamptz not null default now(),
    foreign key (view, version) references projector.versions
);
comment on table projector.views is 'The live version of each view: the one that public.<view> shows.';

create table projector.positions (
    view           text        not null,
    version        integer     not null,
    topic          text        not null,
    partition      integer     not null,
    cluster_id     text        not null,
    next_offset    bigint      not null,
    target_offset  bigint      not null,
    command_offset bigint      not null default -1,
    seen_offset    bigint      not null default -1,
    updated_at     timestamptz not null default now(),
    primary key (view, version, topic, partition),
    foreign key (view, version) references projector.versions
)
-- Each batch updates its row in place: leave room for that in the page.
with (fillfactor = 50);
comment on table projector.positions is 'How far each version of a view has come, per partition. It commits with the rows of the view.';
comment on column projector.positions.cluster_id is 'Kafka cluster that the offsets belong to; they mean nothing in another one.';
comment on column projector.positions.next_offset is 'The next offset of the topic to apply.';
comment on column projector.positions.target_offset is 'End of the partition when the version was begun: a version that has reached all of its targets goes live.';
comment on column projector.positions.command_offset is 'What the commands up to this offset of the commands topic caused is in the view.';
comment on column projector.positions.seen_offset is 'Highest command offset of the applied records; the rest of its transaction may be still to come.';

-- +goose Down

drop table projector.positions;
drop table projector.views;
drop table projector.versions;
drop schema projector;
