/**
 * Users, sessions, and signing keys in one SQLite file. SQLite is compiled to WebAssembly: nothing native is downloaded or
 * built, and it runs on every Node version that Better Auth supports.
 */
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { SqliteDialect } from "kysely";
import sqlite from "node-sqlite3-wasm";

/** Opens the file as Better Auth's `database`. The caller ensures that no other process has it open. */
export function openDatabase(path) {
  mkdirSync(dirname(path), { recursive: true });
  // A killed process leaves its lock behind, which is a folder.
  rmSync(`${path}.lock`, { recursive: true, force: true });
  const database = new sqlite.Database(path);
  // Only a write-ahead log survives a kill. With a rollback journal, this build of SQLite mistakes its own lock for another
  // process's, and never rolls back what a killed process left half written.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  if (database.get("PRAGMA journal_mode").journal_mode !== "wal")
    throw new Error(`${path} does not support write-ahead logging`);
  const dialect = new SqliteDialect({
    database: { prepare: (sql) => statement(database, sql), close: () => database.close() },
  });
  return { dialect, type: "sqlite", transaction: true };
}

/** A statement as Kysely's SQLite dialect expects it. Every run prepares its own, because statements must be finalized. */
function statement(database, sql) {
  return {
    reader: /^\s*(select|with|pragma)\b|\breturning\b/i.test(sql),
    all: (parameters) => database.all(sql, parameters),
    run: (parameters) => database.run(sql, parameters),
  };
}
