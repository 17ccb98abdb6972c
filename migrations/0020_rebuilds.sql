-- +goose Up

alter table projector.versions drop constraint versions_version_check;
alter table projector.versions add constraint versions_version_check check (version <> 0);
comment on column projector.versions.version is 'The one of the program; -n is what rebuild n builds beside it, or keeps of before.';

create table projector.rebuilds (
    id              integer     primary key generated always as identity,
    view            text        not null,
    version         integer     not null,
    state           text        not null default 'asked'
        check (state in ('asked', 'building', 'built', 'swapped', 'done', 'canceled')),
    paused          boolean     not null default false,
    rate            integer     not null default 0 check (rate >= 0),
    swap_when_equal boolean     not null default false,
    grace_seconds   bigint      not null check (grace_seconds >= 0),
    key_column      text        not null default '',
    error           text        not null default '',
    comparison      jsonb,
    asked_at        timestamptz not null default now(),
    built_at        timestamptz,
    swapped_at      timestamptz,
    rolled_back_at  timestamptz,
    keep_until      timestamptz,
    ended_at        timestamptz
);
create unique index on projector.rebuilds (view) where ended_at is null;
create index on projector.rebuilds (view, id);
comment on table projector.rebuilds is 'The rebuilds of views, as jobs: projectors look here for what is asked of them.';
comment on column projector.rebuilds.version is 'The version that is built anew.';
comment on column projector.rebuilds.state is 'asked; building; built, and following the live rows; swapped, and following with the rows of before; done, when those are dropped; canceled.';
comment on column projector.rebuilds.paused is 'Nobody works on it.';
comment on column projector.rebuilds.rate is 'Records a second at most while it is building; 0: as many as there are.';
comment on column projector.rebuilds.swap_when_equal is 'It goes live by itself when a comparison finds no difference.';
comment on column projector.rebuilds.grace_seconds is 'How long the rows of before are kept after the swap.';
comment on column projector.rebuilds.key_column is 'The column that holds the key of the record of a row; empty: not known.';
comment on column projector.rebuilds.error is 'Why it does not go on, until it is resumed; empty: it does.';
comment on column projector.rebuilds.comparison is 'The last comparison with the live rows.';
comment on column projector.rebuilds.keep_until is 'When the rows of before are dropped.';

create table projector.rebuild_partitions (
    rebuild      integer          not null references projector.rebuilds on delete cascade,
    partition    integer          not null,
    start_offset bigint           not null,
    worker       text             not null default '',
    rate         double precision not null default 0,
    reported_at  timestamptz,
    primary key (rebuild, partition)
);
comment on table projector.rebuild_partitions is 'Who works on each partition of a rebuild. Where it stands is in positions, under the version -rebuild.';
comment on column projector.rebuild_partitions.start_offset is 'Where the topic began when the rebuild was.';
comment on column projector.rebuild_partitions.worker is 'The process that applies the partition, or did last.';
comment on column projector.rebuild_partitions.rate is 'Offsets a second, lately.';

-- +goose Down

drop table projector.rebuild_partitions;
drop table projector.rebuilds;
-- +goose StatementBegin
do $$
declare
    shadow record;
begin
    for shadow in select view, version from projector.versions where version < 0 loop
        execute format('drop schema if exists %I cascade', shadow.view || '_r' || -shadow.version);
    end loop;
end
$$;
-- +goose StatementEnd
delete from projector.positions where version < 0;
delete from projector.versions where version < 0;
alter table projector.versions drop constraint versions_version_check;
alter table projector.versions add constraint versions_version_check check (version > 0);
