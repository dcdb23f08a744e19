-- What was claimed by every write made as a holder, beside what was in force
-- when it was committed: the triggers are deferred to that moment, which may be
-- long after the statement. The functions are volatile, so that their queries see
-- what has been committed until then, not the writer's snapshot.
CREATE SCHEMA drillrun;

CREATE TABLE drillrun.owned_writes (
  what       text NOT NULL,
  claimed    text,
  in_force   text,
  superseded boolean NOT NULL
);

-- A leader's write claims the term of a leadership; in force is the one in its row.
CREATE FUNCTION drillrun.record_term(what text, led text, claimed bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE in_force bigint;
BEGIN
  SELECT term INTO in_force FROM leadership WHERE key = led;
  INSERT INTO drillrun.owned_writes
  VALUES (what, claimed::text, in_force::text, claimed IS NULL OR in_force IS NULL OR claimed < in_force);
END $$;

CREATE FUNCTION drillrun.on_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM drillrun.record_term('slot', NEW.leadership, NEW.term);
  RETURN NULL;
END $$;

CREATE FUNCTION drillrun.on_publish() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM drillrun.record_term('publish', 'control', NEW.published_term);
  RETURN NULL;
END $$;

CREATE FUNCTION drillrun.on_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM drillrun.record_term('republish', 'control', NEW.enqueued_term);
  RETURN NULL;
END $$;

-- A worker's write claims the token of its execution; in force is the row's.
CREATE FUNCTION drillrun.on_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO drillrun.owned_writes
  VALUES ('close', NEW.closed_by_token::text, OLD.token::text, NEW.closed_by_token IS DISTINCT FROM OLD.token);
  RETURN NULL;
END $$;

CREATE FUNCTION drillrun.on_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE in_force uuid;
BEGIN
  SELECT token INTO in_force FROM jobs WHERE id = NEW.job_id;
  INSERT INTO drillrun.owned_writes
  VALUES ('step', NEW.token::text, in_force::text, NEW.token IS DISTINCT FROM in_force);
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER drillrun_step AFTER INSERT ON job_steps DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION drillrun.on_step();
CREATE CONSTRAINT TRIGGER drillrun_slot AFTER INSERT ON slots DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION drillrun.on_slot();
CREATE CONSTRAINT TRIGGER drillrun_publish AFTER UPDATE ON outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL) EXECUTE FUNCTION drillrun.on_publish();
CREATE CONSTRAINT TRIGGER drillrun_enqueue AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.enqueued_term IS NOT NULL) EXECUTE FUNCTION drillrun.on_enqueue();
CREATE CONSTRAINT TRIGGER drillrun_close AFTER UPDATE ON jobs DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state = 'running' AND NEW.state <> 'running') EXECUTE FUNCTION drillrun.on_close();
