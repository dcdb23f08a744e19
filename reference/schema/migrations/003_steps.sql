-- The steps of a job that are finished, and under the token of which execution each was.
create table job_steps (
  job_id  bigint not null references jobs,
  step    int not null,
  token   uuid not null,
  result  jsonb not null,
  done_at timestamptz not null default clock_timestamp(),
  primary key (job_id, step)
);

-- What jobs have made, and the singletons look after.
create table resources (
  id         bigint generated always as identity primary key,
  kind       text not null,
  name       text not null unique,
  job_id     bigint not null references jobs,
  size       int not null,
  state      text not null default 'running',
  created_at timestamptz not null default clock_timestamp()
);

---- create above / drop below ----

drop table resources, job_steps;
