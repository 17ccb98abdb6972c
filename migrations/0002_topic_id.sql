-- +goose Up

alter table projector.positions add column topic_id text not null default '';
comment on column projector.positions.topic_id is 'Id of the topic that the offsets belong to; one that is deleted and created anew has another. Empty: not known, the next start of a projector enters it.';

-- +goose Down

alter table projector.positions drop column topic_id;
