//! The user of `UserTasks` cannot be exchanged.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn exchange<'a>(tasks: &mut UserTasks<'a>, store: &'a TaskStore, other: AuthenticatedUser) {
    tasks.user = other;
}

fn main() {}

// Line 7 should have been:
//    *tasks = store.tasks_of(other);
