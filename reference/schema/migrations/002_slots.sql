-- Every worker that acts once per slot of an interval has a row for each slot it has acted in: under whose
-- term of which leadership, and what it decided.
create table slots (
  task        text not null,
  every_ms    bigint not null,
  slot        bigint not null,
  leadership  text not null,
  term        bigint not null,
  decision    jsonb,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (task, every_ms, slot)
);

insert into slots (task, every_ms, slot, leadership, term, recorded_at)
select 'cron', every_ms, slot, 'control', term, recorded_at from cron_slots;

drop table cron_slots;

---- create above / drop below ----

create table cron_slots (
  every_ms    bigint not null,
  slot        bigint not null,
  term        bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (every_ms, slot)
);

insert into cron_slots select every_ms, slot, term, recorded_at from slots where task = 'cron';

drop table slots;
