//! The steps by which the schema has grown, as this program carries them, and how far a database is.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A migration's description, and its statements. The version is its place, beginning with 1.
type Step = (&'static str, &'static str);

/// For `SQLite`.
pub(super) const SQLITE: [Step; 11] = [
    ("first", include_str!("../../../migrations/sqlite/0001_first.sql")),
    ("tokens", include_str!("../../../migrations/sqlite/0002_tokens.sql")),
    ("login failures", include_str!("../../../migrations/sqlite/0003_login_failures.sql")),
    ("linked subjects", include_str!("../../../migrations/sqlite/0004_linked_subjects.sql")),
    ("token service", include_str!("../../../migrations/sqlite/0005_token_service.sql")),
    ("counted names", include_str!("../../../migrations/sqlite/0006_counted_names.sql")),
    ("password shapes", include_str!("../../../migrations/sqlite/0007_password_shapes.sql")),
    ("first pushes", include_str!("../../../migrations/sqlite/0008_first_pushes.sql")),
    ("identity tokens", include_str!("../../../migrations/sqlite/0009_identity_tokens.sql")),
    ("mark", include_str!("../../../migrations/sqlite/0010_mark.sql")),
    ("quarantined", include_str!("../../../migrations/sqlite/0011_quarantined.sql")),
];

/// For `PostgreSQL`.
pub(super) const POSTGRES: [Step; 11] = [
    ("first", include_str!("../../../migrations/postgres/0001_first.sql")),
    ("tokens", include_str!("../../../migrations/postgres/0002_tokens.sql")),
    ("login failures", include_str!("../../../migrations/postgres/0003_login_failures.sql")),
    ("linked subjects", include_str!("../../../migrations/postgres/0004_linked_subjects.sql")),
    ("token service", include_str!("../../../migrations/postgres/0005_token_service.sql")),
    ("counted names", include_str!("../../../migrations/postgres/0006_counted_names.sql")),
    ("password shapes", include_str!("../../../migrations/postgres/0007_password_shapes.sql")),
    ("first pushes", include_str!("../../../migrations/postgres/0008_first_pushes.sql")),
    ("identity tokens", include_str!("../../../migrations/postgres/0009_identity_tokens.sql")),
    ("mark", include_str!("../../../migrations/postgres/0010_mark.sql")),
    ("quarantined", include_str!("../../../migrations/postgres/0011_quarantined.sql")),
];

/// What a database has had: `(version, checksum)` in their order.
pub(super) const APPLIED: &str =
    "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";

/// What runs `steps`.
pub(super) fn migrator(steps: &'static [Step]) -> Migrator {
    let migration = |(version, (description, sql)): (i64, &Step)| {
        let (description, sql) = (Cow::Borrowed(*description), AssertSqlSafe(*sql).into_sql_str());
        Migration::new(version, description, MigrationType::Simple, sql, false)
    };
    Migrator { migrations: (1..).zip(steps).map(migration).collect(), ..Migrator::DEFAULT }
}

/// Whether exactly these migrations were applied. Running them takes the write lock even when there is nothing to do, which
/// would make a command wait for the service, and the service for a backup.
pub(super) fn is_up_to_date(migrator: &Migrator, applied: &[(i64, Vec<u8>)]) -> bool {
    let known = migrator.iter().map(|migration| (migration.version, &*migration.checksum));
    known.eq(applied.iter().map(|(version, checksum)| (*version, checksum.as_slice())))
}

/// Whether the first migration that a database has had is the first of these: then it is ours.
pub(super) fn is_ours(migrator: &Migrator, applied: &[(i64, Vec<u8>)]) -> bool {
    match (migrator.iter().next(), applied.first()) {
        (Some(first), Some((_, checksum))) => *first.checksum == **checksum,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Databases that are in use have had the first migration as it was then.
    #[test]
    fn the_first_migration_never_changes() {
        for (steps, checksum) in [
            (&SQLITE, [0xfc, 0xb2, 0xa4, 0x77, 0xd7, 0xe6, 0x20, 0x14]),
            (&POSTGRES, [0x0f, 0x4f, 0x21, 0x98, 0x4a, 0x72, 0x26, 0xb4]),
        ] {
            let migrator = migrator(steps);
            let first = migrator.iter().next().unwrap();
            assert_eq!((first.version, &*first.description), (1, "first"));
            assert_eq!(first.checksum[..8], checksum);
        }
    }

    #[test]
    fn a_database_is_up_to_date_with_all_migrations_and_no_other() {
        let migrator = migrator(&SQLITE);
        let mut applied: Vec<_> =
            migrator.iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect();
        assert!(is_up_to_date(&migrator, &applied) && is_ours(&migrator, &applied));
        let last = applied.pop().unwrap();
        assert!(!is_up_to_date(&migrator, &applied) && is_ours(&migrator, &applied));
        applied.extend([last.clone(), (last.0 + 1, last.1)]);
        assert!(!is_up_to_date(&migrator, &applied));
        applied.remove(1);
        assert!(!is_up_to_date(&migrator, &applied), "one is missing in the middle");
        assert!(!is_ours(&migrator, &[(1, vec![1])]) && !is_ours(&migrator, &[]));
    }
}
