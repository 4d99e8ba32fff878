//! Another user gets a new `UserTasks`.

use shared::auth::AuthenticatedUser;
use shared::store::{TaskStore, UserTasks};

fn exchange<'a>(tasks: &mut UserTasks<'a>, store: &'a TaskStore, other: AuthenticatedUser) {
    *tasks = store.tasks_of(other);
}

fn main() {}
