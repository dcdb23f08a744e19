-- Who leads, and under which term. The row outlives every holder: a term only grows.
create table leadership (
  key         text primary key,
  term        bigint not null,
  holder      text not null,
  acquired_at timestamptz not null default clock_timestamp()
);

-- token is the live execution's; closed_by_token is what the write that ended an execution claimed.
-- renewed_at is not indexed, so that a renewal stays a heap-only update.
create table jobs (
  id              bigint generated always as identity primary key,
  key             text not null unique,
  kind            text not null,
  subject         text not null,
  payload         jsonb not null,
  state           text not null default 'queued' check (state in ('queued', 'running', 'done', 'dead')),
  attempt         int not null default 0,
  failures        int not null default 0,
  token           uuid,
  closed_by_token uuid,
  owner           text,
  error           text,
  created_at      timestamptz not null default clock_timestamp(),
  renewed_at      timestamptz not null default clock_timestamp(),
  check (state <> 'running' or token is not null)
) with (fillfactor = 80);

create index jobs_open on jobs (id) where state in ('queued', 'running');

-- What is to be published, and under which term and stream generation it was.
create table outbox (
  id                   bigint generated always as identity primary key,
  job_id               bigint not null references jobs,
  enqueued_term        bigint,
  available_at         timestamptz not null default clock_timestamp(),
  published_at         timestamptz,
  published_term       bigint,
  published_generation text
);

create index outbox_unpublished on outbox (id) where published_at is null;
create index outbox_of_job on outbox (job_id, id);

create table dead_letters (
  id         bigint generated always as identity primary key,
  job_id     bigint not null unique references jobs,
  key        text not null,
  kind       text not null,
  attempt    int not null,
  token      uuid not null,
  reason     text not null,
  created_at timestamptz not null default clock_timestamp()
);

-- every_ms belongs to the key: another interval numbers its slots anew. The first row of an interval is
-- the slot before the first one that took effect.
create table cron_slots (
  every_ms    bigint not null,
  slot        bigint not null,
  term        bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (every_ms, slot)
);

---- create above / drop below ----

drop table cron_slots, dead_letters, outbox, jobs, leadership;
