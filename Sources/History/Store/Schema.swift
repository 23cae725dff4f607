// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// The tables, and how they came about. A migration that was released never changes; the next change is one more.
///
/// Names that repeat in each night are kept once: cells, lineages, tests, titles, plans. Most of 300 tests say each
/// night what they said on the base, so only what differs has a row (see ``TrialRow/results``).
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(sql: first)
    }
    migrator.registerMigration("2") { db in
      try db.execute(sql: second)
    }
    return migrator
  }

  private static let first = """
    CREATE TABLE cell (
      id INTEGER PRIMARY KEY,
      kernel TEXT NOT NULL, profile TEXT NOT NULL, architecture TEXT NOT NULL, toolchain TEXT NOT NULL,
      extent TEXT NOT NULL, guest TEXT NOT NULL,
      UNIQUE (kernel, profile, architecture, toolchain, extent, guest)
    );
    CREATE TABLE run (
      id INTEGER PRIMARY KEY,
      record TEXT NOT NULL UNIQUE,
      directory TEXT NOT NULL,
      command TEXT NOT NULL,
      cell INTEGER NOT NULL REFERENCES cell,
      started REAL NOT NULL,
      finished REAL,
      part INTEGER NOT NULL,
      ground TEXT NOT NULL,
      evidence INTEGER NOT NULL DEFAULT 1
    );
    CREATE INDEX run_started ON run (started);
    CREATE INDEX run_cell ON run (cell, started);
    CREATE TABLE lineage (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
    CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE title (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE plan (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
    CREATE TABLE plan_test (
      plan INTEGER NOT NULL REFERENCES plan ON DELETE CASCADE, test INTEGER NOT NULL REFERENCES test,
      PRIMARY KEY (test, plan)
    ) WITHOUT ROWID;
    CREATE TABLE trial (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
      place INTEGER NOT NULL,
      lineage INTEGER REFERENCES lineage,
      name TEXT, version INTEGER, message TEXT,
      verdict TEXT, reason TEXT NOT NULL, seconds REAL, reused INTEGER NOT NULL,
      plan INTEGER NOT NULL REFERENCES plan,
      UNIQUE (run, place)
    );
    CREATE INDEX trial_lineage ON trial (lineage, run);
    CREATE INDEX trial_message ON trial (message) WHERE message IS NOT NULL;
    CREATE INDEX trial_plan ON trial (plan);
    CREATE TABLE patch (
      id TEXT NOT NULL, trial INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
      PRIMARY KEY (id, trial)
    ) WITHOUT ROWID;
    CREATE INDEX patch_trial ON patch (trial);
    CREATE TABLE result (
      test INTEGER NOT NULL REFERENCES test, trial INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
      status TEXT NOT NULL, change TEXT, ok INTEGER NOT NULL, tries INTEGER NOT NULL, base_ok INTEGER NOT NULL,
      base_tries INTEGER NOT NULL, worse INTEGER NOT NULL, reason TEXT NOT NULL,
      PRIMARY KEY (test, trial)
    ) WITHOUT ROWID;
    CREATE INDEX result_trial ON result (trial);
    CREATE INDEX result_bad ON result (trial, test) WHERE status IN ('not-ok', 'crash', 'timeout');
    CREATE TABLE report (
      title INTEGER NOT NULL REFERENCES title, trial INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
      count INTEGER NOT NULL, new INTEGER NOT NULL,
      PRIMARY KEY (title, trial)
    ) WITHOUT ROWID;
    CREATE INDEX report_trial ON report (trial);
    """

  /// Evidence goes trial by trial.
  private static let second = """
    ALTER TABLE trial ADD COLUMN evidence INTEGER NOT NULL DEFAULT 1;
    UPDATE trial SET evidence = 0 WHERE run IN (SELECT id FROM run WHERE NOT evidence);
    ALTER TABLE run DROP COLUMN evidence;
    """
}
